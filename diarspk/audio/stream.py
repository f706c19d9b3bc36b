"""Audio as a stream of 16 kHz mono blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, Union

import numpy as np
import soxr
from numpy.typing import NDArray

from diarspk.arguments import check_number
from diarspk.audio.mixdown import Mixdown
from diarspk.audio.source import AudioSource, Samples, warn
from diarspk.errors import ArgumentError, AudioError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SAMPLE_RATE", "Audio", "AudioStream"]

SAMPLE_RATE = 16000
"""Sample rate in Hz of all audio inside the library; input of other rates is resampled."""

MAX_AMPLITUDE = 2.0**32
"""Amplitude that no float holds, not even an unscaled 32-bit integer; its square would overflow."""

MAX_BLOCK_S = 3.6e6
"""Seconds of the longest block: beyond them, samples are too many to count."""

MIN_TOLD_S = 1.0
"""Seconds of channels in opposite phase from which on a warning tells of them."""


def find_faulty(samples: NDArray[Any]) -> int | None:
    """Find the first of ``(..., time)`` that is NaN, infinite or far beyond full scale; or None."""
    sound = np.abs(np.atleast_2d(samples)) <= MAX_AMPLITUDE  # NaN is in no order
    faulty = np.flatnonzero(~sound.all(axis=0))
    return int(faulty[0]) if faulty.size else None


@dataclass(frozen=True, eq=False)
class AudioStream:
    """Opened audio, read as 16 kHz mono block by block.

    Parameters
    ----------
    name : str
        File name without folder and suffix; "audio" for arrays and unnamed file objects.
    source : AudioSource
        The audio at its own rate.
    channel : int, optional
        Zero-based channel. Default: the mean of all channels; see :mod:`diarspk.audio.mixdown`.
    """

    name: str
    source: AudioSource
    channel: int | None = None

    @property
    def duration(self) -> float | None:
        """Duration in seconds by the header; None where only decoding would tell."""
        return self.source.duration

    @property
    def expected_duration(self) -> float | None:
        """The duration, or an estimate of it for progress and memory; None without either."""
        return self.source.expected_duration

    def measure_duration(self) -> float:
        """Measure the duration in seconds without decoding, to a few hundredths of a second.

        :attr:`duration` is what a header tells, which is wrong in files that were joined or are
        still being written. Here packets are counted; only for uncompressed audio is the header
        taken at its word, since it was compared with the size of the file.
        """
        return self.source.measure()

    def blocks(self, seconds: float = 30.0) -> Iterator[Samples]:
        """Read from the start, in memory that does not grow with the duration.

        Parameters
        ----------
        seconds : float
            Length of a block in seconds.

        Returns
        -------
        iterator of (time,) float32
            Consecutive blocks, the last one shorter; joined, they are what
            :func:`diarspk.audio.load_audio` returns. One reading of a file object at a time.

        Raises
        ------
        ArgumentError
            If a block would be shorter than one sample.
        AudioError
            While reading: on a value that is not finite or beyond 4e9, or if nothing can be
            decoded.
        """
        length = check_number(seconds, "seconds")
        if not 1 / SAMPLE_RATE <= length <= MAX_BLOCK_S:
            raise ArgumentError(
                "`seconds` must be at least one sample and at most a thousand hours, got "
                f"{seconds:g}"
            )
        mono = resample(self.mono(), self.source.sample_rate, SAMPLE_RATE)
        return self._not_empty(regroup(mono, round(SAMPLE_RATE * length)))

    def mono(self) -> Iterator[Samples]:
        """Read from the start at the rate of the source: consecutive ``(time,)``.

        Raises
        ------
        AudioError
            While reading, on a value that is not finite or beyond 4e9.
        """
        if self.channel is not None:
            yield from self._finite(chunk[self.channel] for chunk in self.source.chunks())
            return
        mixdown = Mixdown(self.source.sample_rate)
        yield from self._finite(mixdown.mix(self.source.chunks()))
        if mixdown.turned_s >= MIN_TOLD_S:
            warn(
                f"{self.source.label}: its channels cancel each other out for "
                f"{mixdown.turned_s:.1f} s; there, those in opposite phase are turned over before "
                "they are mixed. Choose one by --channel, or `channel` in Python"
            )

    def _finite(self, chunks: Iterable[Samples]) -> Iterator[Samples]:
        position = 0
        for mono in chunks:  # (time,)
            if (faulty := find_faulty(mono)) is not None:
                seconds = (position + faulty) / self.source.sample_rate
                raise AudioError(
                    f"{self.source.label}: a sample is NaN or infinite, or far beyond full scale "
                    f"({mono[faulty]:g} at {seconds:.3f} s); export the audio again, or replace "
                    "such samples"
                )
            position += mono.size
            yield np.ascontiguousarray(mono)

    def _not_empty(self, blocks: Iterator[Samples]) -> Iterator[Samples]:
        empty = True
        for block in blocks:
            empty = False
            yield block
        if empty:
            raise AudioError(
                f"{self.source.label}: holds no samples that can be decoded; check the recording"
            )


Audio: TypeAlias = Union[str, "PathLike[str]", BinaryIO, NDArray[Any], "Tensor", AudioStream]
"""Path, binary file object, array or tensor ``(time,)`` or ``(channels, time)``, or a stream that
is open."""


def resample(chunks: Iterable[Samples], sample_rate: int, target: int) -> Iterator[Samples]:
    """Resample consecutive ``(time,)`` chunks with soxr (HQ), as if they were one array."""
    if sample_rate == target:
        yield from chunks
        return
    resampler = soxr.ResampleStream(sample_rate, target, 1, dtype="float32", quality="HQ")
    for chunk in chunks:
        yield resampler.resample_chunk(chunk)
    yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def regroup(chunks: Iterable[Samples], length: int) -> Iterator[Samples]:
    """Join and cut ``(time,)`` chunks to blocks of ``length`` samples; the last may be shorter."""
    waiting: list[Samples] = []
    count = 0
    for chunk in chunks:
        while len(chunk):
            head, chunk = np.split(chunk, [length - count])
            waiting.append(head)
            count += len(head)
            if count == length:
                yield np.concatenate(waiting)
                waiting, count = [], 0
    if waiting:
        yield np.concatenate(waiting)
