"""A part of a source of audio, which is read as if it were all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from diarspk.audio.files import AudioFile
from diarspk.audio.source import AudioSource, Samples, warn_if_shorter
from diarspk.audio.stream import AudioStream
from diarspk.errors import AudioError

__all__ = ["ClippedSource", "clip"]


def clip(stream: AudioStream, start: float, end: float | None = None) -> AudioStream:
    """Take the part of a stream from ``start`` to ``end`` in seconds; times start anew in it.

    Everything before it is decoded as well, since few formats can be entered in the middle to the
    sample. Without ``end``, the part goes on to the end of the recording.
    """
    return replace(stream, source=ClippedSource(stream.source, start, end))


@dataclass(frozen=True, eq=False)
class ClippedSource:
    """Part of a source, from ``start`` to ``end`` in seconds; see :func:`clip`."""

    whole: AudioSource
    start: float
    end: float | None = None

    @property
    def label(self) -> str:
        """Name of the whole in messages."""
        return self.whole.label

    @property
    def file(self) -> AudioFile | None:
        """Bytes of the whole."""
        return self.whole.file

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz."""
        return self.whole.sample_rate

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.whole.channels

    @property
    def duration(self) -> float | None:
        """Duration of the part in seconds; None where only decoding would tell."""
        return None if self.whole.duration is None else self._part_of(self.whole.duration)

    @property
    def expected_duration(self) -> float | None:
        """The duration, or else an estimate of it."""
        expected = self.whole.expected_duration
        if expected is None:
            return None if self.end is None else self.end - self.start
        return self._part_of(expected)

    @property
    def selection(self) -> str:
        """What is read of the file: the part, and what is selected of the whole."""
        return f"{self.whole.selection} {self.start!r}-{self.end!r}".strip()

    def measure(self) -> float:
        """Measure the duration of the part in seconds."""
        return self._part_of(self.whole.measure())

    def chunks(self) -> Iterator[Samples]:
        """Read the part: consecutive ``(channels, time)``.

        Raises
        ------
        AudioError
            If the recording ends before the part begins.
        """
        rate, position = self.sample_rate, 0
        first = round(self.start * rate)
        last = None if self.end is None else round(self.end * rate)
        for chunk in self.whole.chunks():
            begin, position = position, position + chunk.shape[-1]
            part = chunk[:, max(first - begin, 0) : None if last is None else last - begin]
            if part.shape[-1]:
                yield part
            if last is not None and position >= last:
                return
        if position <= first:
            raise AudioError(
                f"{self.label}: the part that starts at {self.start:g} s is not there, the "
                f"recording ends at {position / rate:.2f} s; check the times in the list"
            )
        if last is not None:
            warn_if_shorter(self.label, (position - first) / rate, (last - first) / rate)

    def _part_of(self, duration: float) -> float:
        end = duration if self.end is None else min(self.end, duration)
        return max(end - self.start, 0.0)
