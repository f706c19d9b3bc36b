"""Samples of a live session: any rate, type and chunking in, mono at 16 kHz out.

What comes out must not depend on how the samples are cut into pushes, and must be the same after a
session was saved and loaded. So samples are processed on a fixed grid of short blocks, and each
block is resampled by itself with its neighbours as context: all that is kept is samples.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr
from numpy.typing import NDArray

from diarspk.arguments import check_count
from diarspk.audio.arrays import open_array
from diarspk.audio.source import Samples
from diarspk.audio.stream import MAX_AMPLITUDE, SAMPLE_RATE
from diarspk.errors import ArgumentError, AudioError
from diarspk.streaming.live_mixdown import LiveMixdown

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SampleInput"]

BLOCK_S = 0.04
"""Seconds of a block that is resampled by itself, at least."""

MIN_RATE, MAX_RATE = 1000, 768_000
"""Sample rates in Hz that are taken."""


class SampleInput:
    """Converts consecutive pushes to mono at 16 kHz.

    Parameters
    ----------
    channel
        Zero-based channel. Default: the mean of all.
    """

    def __init__(self, channel: int | None = None) -> None:
        self.channel = None if channel is None else check_count(channel, "channel", minimum=0)
        self.clear()

    def clear(self) -> None:
        """Forget rate and samples: the next push may have others."""
        self.rate, self.channels = 0, 0
        self.samples = 0  # of the input, since the start
        self.waiting: Samples = np.zeros(0, np.float32)  # from the context of the next block on
        self.mixdown: LiveMixdown | None = None

    @property
    def seconds(self) -> float:
        """Seconds pushed since the start."""
        return self.samples / self.rate if self.rate else 0.0

    def push(self, samples: NDArray[Any] | Tensor, sample_rate: object) -> Samples:
        """Take in samples ``(time,)`` or ``(channels, time)``; return those at 16 kHz that are due.

        Nothing is taken in where an error is raised.

        Raises
        ------
        ArgumentError
            If shape, type, rate or channels are not fit, or differ from those before.
        AudioError
            If a sample is not finite.
        """
        rate, audio = self._check(samples, sample_rate)
        if not self.rate:
            self.rate, self.channels = rate, len(audio)
            if self.channels > 1 and self.channel is None:
                self.mixdown = LiveMixdown(rate, self.channels)
        self.samples += audio.shape[1]
        mono = audio[self.channel or 0] if self.mixdown is None else self.mixdown.push(audio)
        return self._resample(mono)

    def finish(self) -> Samples:
        """Return the samples at 16 kHz that were waiting for context."""
        if self.rate in (0, SAMPLE_RATE):
            return np.zeros(0, np.float32)
        block, margin = self._block()
        # Blocks that are whole are done: what waits is the context of the next one, and its start.
        rest = len(self.waiting) - margin
        due = math.ceil(self.samples * SAMPLE_RATE / self.rate)
        due -= (self.samples - rest) * SAMPLE_RATE // self.rate
        padded = np.concatenate([self.waiting, np.zeros(2 * margin + block, np.float32)])
        return self._convert(padded)[round(margin * SAMPLE_RATE / self.rate) :][: max(due, 0)]

    def _check(self, samples: NDArray[Any] | Tensor, sample_rate: object) -> tuple[int, Samples]:
        rate = check_count(sample_rate, "sample_rate", minimum=MIN_RATE, maximum=MAX_RATE)
        source = open_array(samples, rate)
        if self.rate and (rate, source.channels) != (self.rate, self.channels):
            raise ArgumentError(
                f"`samples` must go on with {self.rate} Hz and {self.channels} channels, got "
                f"{rate} Hz and {source.channels}; push(None, gap_s=0) starts another stretch"
            )
        if self.channel is not None and self.channel >= source.channels:
            raise ArgumentError(
                f"`channel` must be below {source.channels}, the channels pushed, got "
                f"{self.channel}"
            )
        chunks = list(source.chunks())
        empty = np.zeros((source.channels, 0), np.float32)
        audio: Samples = np.concatenate([empty, *chunks], axis=1)
        faulty = np.flatnonzero(~(np.abs(audio) <= MAX_AMPLITUDE).all(axis=0))
        if faulty.size:
            seconds = (self.samples + int(faulty[0])) / rate
            raise AudioError(
                f"a sample is NaN or infinite, or far beyond full scale, at {seconds:.3f} s of "
                "this stretch; nothing of this push was taken in, so replace it and push again"
            )
        return rate, audio

    def _block(self) -> tuple[int, int]:
        """Count the samples of a block, and of its context on each side, at the input's rate.

        Both are whole numbers of the smallest stretch that is a whole number of samples at both
        rates.
        """
        unit = self.rate // math.gcd(self.rate, SAMPLE_RATE)
        block = unit * math.ceil(BLOCK_S * self.rate / unit)
        return block, block

    def _resample(self, mono: Samples) -> Samples:
        if self.rate == SAMPLE_RATE:
            return np.ascontiguousarray(mono)
        block, margin = self._block()
        if self.samples and not len(self.waiting):
            self.waiting = np.zeros(margin, np.float32)  # silence before the start
        self.waiting = np.concatenate([self.waiting, mono])
        count = max((len(self.waiting) - 2 * margin) // block, 0)
        edge = round(margin * SAMPLE_RATE / self.rate)
        due = [np.zeros(0, np.float32)]
        for number in range(count):
            piece = self.waiting[number * block :][: block + 2 * margin]
            due.append(self._convert(piece)[edge : edge + round(block * SAMPLE_RATE / self.rate)])
        self.waiting = self.waiting[count * block :]
        return np.concatenate(due)

    def _convert(self, samples: Samples) -> Samples:
        found: Samples = soxr.resample(samples, self.rate, SAMPLE_RATE, quality="HQ")
        return found

    def state(self) -> dict[str, Any]:
        """Return what a session goes on from."""
        return {
            "rate": self.rate,
            "channels": self.channels,
            "samples": self.samples,
            "waiting": self.waiting,
            "mixdown": None if self.mixdown is None else self.mixdown.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.rate, self.channels = state["rate"], state["channels"]
        self.samples, self.waiting = state["samples"], state["waiting"]
        if state["mixdown"] is not None:
            self.mixdown = LiveMixdown(self.rate, self.channels)
            self.mixdown.restore(state["mixdown"])
