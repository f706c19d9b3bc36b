"""Sound tracks of containers and compressed files, decoded by FFmpeg's libraries through PyAV.

Times are those of the container: sound that starts late, or has a hole, does so in the result.
Nothing that a file names is opened: playlists and descriptions of streams are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.container import InputContainer

from diarspk.audio.byte_views import ByteView
from diarspk.audio.chunk_sizes import Mended, mend_sizes
from diarspk.audio.clock import MOV, Clock, is_flagged, read_clock
from diarspk.audio.decoding import DECODING_ERRORS, Decoding, Piece
from diarspk.audio.files import AudioFile
from diarspk.audio.joined import flac_parts
from diarspk.audio.source import (
    MAX_SHORTFALL_S,
    Samples,
    warn,
    warn_if_interrupted,
    warn_if_shorter,
)
from diarspk.audio.timeline import Timeline
from diarspk.errors import ArgumentError, AudioError

__all__ = ["ContainerSource", "NotAudioError", "open_container"]

CHUNK_SAMPLES = 1 << 16
MARK_BYTES = 8
"""First bytes of a file by which another of its kind is known."""
REPEATED = (b"ID3", b"\xff")
"""Marks of tags and of frames of MPEG, which begin no file of their own."""
SEARCHED_BYTES = 1 << 16


class NotAudioError(Exception):
    """FFmpeg finds no container; the text says what it says."""


@dataclass(frozen=True, eq=False)
class ContainerSource:
    """Sound track that is decoded anew at every reading.

    Attributes
    ----------
    clock : Clock
        What the header tells of times.
    """

    file: AudioFile
    label: str
    track: int
    sample_rate: int
    channels: int
    format: str
    clock: Clock

    @property
    def duration(self) -> float | None:
        """Seconds from the start of the container to the end of the track; None if not told."""
        return self.clock.duration

    @property
    def expected_duration(self) -> float | None:
        """The duration, or FFmpeg's estimate."""
        return self.clock.expected

    @property
    def selection(self) -> str:
        """The track."""
        return f"track {self.track}" if self.track else ""

    def chunks(self) -> Iterator[Samples]:
        """Consecutive ``(channels, time)``; what cannot be decoded is told by warnings."""
        with _opened(self.file) as (container, mended):
            if mended.warning:
                warn(f"{self.label}: {mended.warning}")
            decoding = Decoding(container, self.track, self.sample_rate, self.channels)
            timeline = self._timeline()
            yield from _grouped(self._placed(self._trimmed(decoding, timeline), timeline))
            self._warn(decoding, timeline, mended.view)

    def measure(self) -> float:
        """Count the packets of the track, on the clock; MP4 and FLAC have counted them."""
        if self.format in (MOV, "flac") and self.duration is not None and not self._is_joined():
            return self.duration
        if self.format == "flac":  # its packets do not all tell their length
            return sum(chunk.shape[1] for chunk in self.chunks()) / self.sample_rate
        with _opened(self.file) as (container, _):
            decoding = Decoding(container, self.track, self.sample_rate, self.channels)
            timeline = self._timeline()
            for _ in self._placed(decoding.spans(), timeline):
                pass
        return timeline.position / self.sample_rate

    def _is_joined(self) -> bool:
        with self.file.open() as view:
            return self.format == "flac" and flac_parts(view) > 1

    def _timeline(self) -> Timeline:
        return Timeline(self.sample_rate, self.clock.max_hole_s, self.clock.max_end_s)

    def _placed(self, pieces: Iterator[Piece], timeline: Timeline) -> Iterator[Samples]:
        for samples, time in pieces:
            yield from timeline.place(samples, self.clock.place(time))

    def _trimmed(self, decoding: Decoding, timeline: Timeline) -> Iterator[Piece]:
        """Cut off the padding of the last frame, where the header tells the end of the track."""
        last: Piece | None = None
        for piece in decoding.pieces():
            if last is not None:
                yield last
            last = piece
        if last is None:
            return
        samples, time = last
        if self.duration is not None and self.format == MOV:  # others tell whole frames, or less
            start = max(timeline.position, round((self.clock.place(time) or 0) * self.sample_rate))
            room = round(self.duration * self.sample_rate) - start
            samples = samples[:, :room] if room > 0 else samples
        yield Piece(samples, time)

    def _warn(self, decoding: Decoding, timeline: Timeline, view: ByteView) -> None:
        reached = timeline.position / self.sample_rate
        if not warn_if_interrupted(self.label, reached, view.fault):
            # Matroska and ASF tell the end of all tracks on a clock that need not start at 0.
            end = max(reached, decoding.reached) if self.clock.shared else reached
            warn_if_shorter(self.label, end, self.clock.promised)
            short = self.clock.promised is not None and end < self.clock.promised - MAX_SHORTFALL_S
            if not short and (decoding.damaged or decoding.interrupted):
                warn(f"{self.label}: damaged, a part of it could not be decoded; copy it again")
            if not short and _another_follows(view, decoding.read):
                warn(
                    f"{self.label}: another file is joined to it, which is not read; give each as "
                    "a file, or join their sound by a program that decodes it"
                )
        if timeline.leaps:
            warn(
                f"{self.label}: its clock leaps after {timeline.leaps[0]:.1f} s; what follows is "
                "taken to follow at once, and may be late in the film"
            )


def open_container(file: AudioFile, track: int | None) -> ContainerSource:
    """Read the header of ``file``, and the first frame of a sound track.

    Raises
    ------
    NotAudioError
        If FFmpeg finds no container in it.
    AudioError
        If there is no sound track, or nothing of it can be decoded.
    ArgumentError
        If there is no such track.
    """
    with _opened(file) as (container, mended):
        index = _choose(container, file.label, track)
        stream: Any = container.streams.audio[index]
        format = container.format.name
        clock = read_clock(container, index, mended.view)
        if stream.codec_context is None:  # PyAV may crash where it is asked to decode this
            raise AudioError(
                f"{file.label}: its sound is coded in a way that FFmpeg does not know; convert it "
                "by the program that made it"
            )
        first = Decoding(container, index)
        if next(iter(first.pieces()), None) is None:
            raise AudioError(
                f"{file.label}: nothing of its sound track ({stream.codec_context.name}) can be "
                "decoded; it is damaged or encrypted"
            )
    return ContainerSource(
        file, file.label, index, first.sample_rate, first.channels, format, clock
    )


@contextmanager
def _opened(file: AudioFile) -> Iterator[tuple[InputContainer, Mended]]:
    """Open the decoder, and what it reads: other codings in WAV have wrong sizes, too."""
    with file.open() as view:
        mended = mend_sizes(view)
        mended.view.seek(0)
        try:
            container: Any = av.open(
                mended.view,
                mode="r",
                metadata_errors="replace",
                # No protocol: the bytes are passed in, and nothing that they name is opened.
                container_options={"protocol_whitelist": "none"},
            )
        except DECODING_ERRORS as error:
            raise NotAudioError(_reason(error)) from None
        with container:
            for stream in container.streams.audio:
                if stream.codec_context is not None:
                    stream.codec_context.thread_count = 1
            mended.view.fault = None
            yield container, mended


def _another_follows(view: ByteView, read: int) -> bool:
    """Whether a file of the same kind begins soon after the last packet."""
    view.seek(0)
    mark = view.read(MARK_BYTES) or b""
    view.seek(max(read, MARK_BYTES))
    if len(mark) < MARK_BYTES or mark.startswith(REPEATED):
        return False
    return mark in (view.read(SEARCHED_BYTES) or b"")


def _reason(error: BaseException) -> str:
    """Return what FFmpeg says, without the number and the name that PyAV adds."""
    return str(getattr(error, "strerror", None) or error)


def _choose(container: InputContainer, label: str, track: int | None) -> int:
    tracks = container.streams.audio
    if not tracks:
        kinds = ", ".join(dict.fromkeys(stream.type for stream in container.streams))
        if not container.streams.video:
            raise NotAudioError(f"it holds {kinds or 'nothing'}, no sound")
        raise AudioError(
            f"{label}: no audio track in it, it holds {kinds} only; give the recording of the sound"
        )
    if track is not None:
        if track not in range(len(tracks)):
            raise ArgumentError(
                f"`track` must be from 0 to {len(tracks) - 1} for {label}, got {track}"
            )
        return track
    flagged = [i for i, one in enumerate(tracks) if is_flagged(one, "default")]
    chosen = flagged[0] if flagged else 0
    if len(tracks) > 1:
        names = ", ".join(_track_name(index, stream) for index, stream in enumerate(tracks))
        warn(
            f"{label}: {len(tracks)} sound tracks: {names}; only track {chosen} is read, choose "
            "another by --track, or `track` in Python"
        )
    return chosen


def _track_name(index: int, stream: Any) -> str:
    known = [stream.metadata.get("title"), stream.metadata.get("language")]
    text = ", ".join(value for value in known if value and value != "und")
    return f"{index} ({text})" if text else str(index)


def _grouped(arrays: Iterator[Samples]) -> Iterator[Samples]:
    """Join short ``(channels, time)`` to chunks that are worth the work on each."""
    waiting: list[Samples] = []
    count = 0
    for array in arrays:
        waiting.append(array)
        count += array.shape[1]
        if count >= CHUNK_SAMPLES:
            yield np.concatenate(waiting, axis=1)
            waiting, count = [], 0
    if count:
        yield np.concatenate(waiting, axis=1)
