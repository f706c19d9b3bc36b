"""Uncompressed audio files and raw samples, read by libsndfile: WAV, AIFF, AU, CAF, W64, ..."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile

from diarspk.audio.chunk_sizes import Mended, mend_sizes
from diarspk.audio.files import AudioFile
from diarspk.audio.raw import RawFormat, file_start
from diarspk.audio.source import Samples, warn, warn_if_interrupted, warn_if_shorter

__all__ = ["SoundfileSource", "open_soundfile"]

CHUNK_SAMPLES = 4096
"""Maximum loss at the end of a damaged file: libsndfile returns a chunk whole or not at all."""

CHUNKS = 16
"""Chunks that are joined to one array."""

WRONG_LENGTH = re.compile(
    r"^ *(?:RIFF|RIFX|riff|Riff size|FORM|Data Size|data|SSND|BODY) *: (\d+) \(should be (\d+)\)",
    re.MULTILINE,
)
"""libsndfile's log of a header whose length in bytes is not the file's; byte rates read alike."""

STREAMED_LENGTH = 0x7FFF0000
"""Lengths from here on stand for a length that a streaming writer did not know."""

MAX_FRAMES = 2**62
"""libsndfile's number of frames for a file of unknown length is beyond this."""


class _ForwardSoundFile(soundfile.SoundFile):  # type: ignore[misc]
    """Sound file that is read sequentially: no seek to the current position after every read."""

    def seekable(self) -> bool:
        return False


@dataclass(frozen=True, eq=False)
class SoundfileSource:
    """File that libsndfile can decode; it is opened anew at every reading."""

    file: AudioFile
    label: str
    sample_rate: int
    channels: int
    duration: float | None
    promised: float | None  # seconds by the header; beyond `duration` where it is truncated
    raw: RawFormat | None = None

    @property
    def expected_duration(self) -> float | None:
        """The duration, or None."""
        return self.duration

    @property
    def selection(self) -> str:
        """What is read of the file, besides the channel."""
        return "" if self.raw is None else str(self.raw)

    def measure(self) -> float:
        """Return the duration, or decode to learn it."""
        if self.duration is not None:
            return self.duration
        return sum(chunk.shape[1] for chunk in self.chunks()) / self.sample_rate

    def chunks(self) -> Iterator[Samples]:
        """Consecutive ``(channels, time)``; a file damaged midway ends there, with a warning."""
        decoded = 0
        with _opened(self.file, self.raw) as (sound, mended):
            if mended.warning:
                warn(f"{self.label}: {mended.warning}")
            whole = True
            while whole:
                samples, whole = _read_chunks(sound)
                decoded += len(samples)
                if len(samples):
                    yield samples.T
            fault = mended.view.fault
        seconds = decoded / self.sample_rate
        if not warn_if_interrupted(self.label, seconds, fault):
            warn_if_shorter(self.label, seconds, self.promised)


def open_soundfile(file: AudioFile, raw: RawFormat | None = None) -> SoundfileSource:
    """Read the header of ``file``.

    Parameters
    ----------
    file : AudioFile
    raw : RawFormat, optional
        Encoding of samples without a header.

    Raises
    ------
    soundfile.LibsndfileError
        If libsndfile does not know the format.
    """
    if raw is not None:
        _warn_of_header(file)
    with _opened(file, raw) as (sound, _):
        duration = sound.frames / sound.samplerate if sound.frames < MAX_FRAMES else None
        lengths = WRONG_LENGTH.search(sound.extra_info)
        written, actual = (int(length) for length in lengths.groups()) if lengths else (1, 1)
        promised = duration
        if duration is not None and actual < written < STREAMED_LENGTH:
            promised = duration * written / max(actual, 1)
        return SoundfileSource(
            file, file.label, sound.samplerate, sound.channels, duration, promised, raw
        )


def _warn_of_header(file: AudioFile) -> None:
    with file.open() as view:
        kind = file_start(view.read(16))
    if kind:
        warn(
            f"{file.label}: begins as a file does ({kind}), and is read as samples without a "
            "header; leave the raw format out, unless the header is damaged"
        )


@contextmanager
def _opened(file: AudioFile, raw: RawFormat | None) -> Iterator[tuple[soundfile.SoundFile, Mended]]:
    """Open the decoder, and what it reads."""
    options: dict[str, Any] = {} if raw is None else raw.soundfile_options()
    with file.open() as view:
        mended = mend_sizes(view) if raw is None else Mended(view)
        mended.view.seek(0)
        with _ForwardSoundFile(mended.view, **options) as sound:
            yield sound, mended


def _read_chunks(sound: soundfile.SoundFile) -> tuple[Samples, bool]:
    """Read the next ``(time, channels)``; False at the end of the file, or at a fault."""
    samples = np.empty((CHUNKS * CHUNK_SAMPLES, sound.channels), np.float32)
    for filled in range(0, len(samples), CHUNK_SAMPLES):
        try:
            chunk = sound.read(out=samples[filled : filled + CHUNK_SAMPLES])
        except soundfile.LibsndfileError:
            return samples[:filled], False
        if len(chunk) < CHUNK_SAMPLES:
            return samples[: filled + len(chunk)], False
    return samples, True
