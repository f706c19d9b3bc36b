"""Samples of a session at any rate, to 16 kHz and back: as many come back as were taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.streaming.block_resampler import BlockResampler
from diarspk.streaming.sample_input import SampleInput

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["RoundTrip"]

Samples = NDArray[np.float32]

BLOCK_S = 0.01
"""Seconds of the blocks that are resampled, where samples are not at 16 kHz."""


class RoundTrip:
    """Conversion of one stretch of samples after another, both ways.

    Parameters
    ----------
    channel
        Zero-based channel. Default: the mean of all.
    """

    def __init__(self, channel: int | None) -> None:
        self.input = SampleInput(channel, block_s=BLOCK_S)
        self.clear()

    def clear(self) -> None:
        """Begin another stretch, which may have another rate."""
        self.input.clear()
        self.output: BlockResampler | None = None  # of the rate of the first samples
        self.given = 0  # samples, at the rate of the input

    @property
    def rate(self) -> int:
        """Sample rate of the stretch in Hz; 0 before the first samples."""
        return self.input.rate

    @property
    def seconds(self) -> float:
        """Seconds that were taken."""
        return self.input.seconds

    @staticmethod
    def latency_s(rate: int) -> float:
        """Seconds that the way there and back takes at most, by the rate in Hz."""
        there = BlockResampler(rate, SAMPLE_RATE, BLOCK_S)
        return there.latency_s + BlockResampler(SAMPLE_RATE, rate, BLOCK_S).latency_s

    def take(self, samples: NDArray[Any] | Tensor, rate: int) -> Samples:
        """Take in samples, see :meth:`SampleInput.push`; return those at 16 kHz that are due."""
        due = self.input.push(samples, rate)
        if self.output is None:
            self.output = BlockResampler(SAMPLE_RATE, self.input.rate, BLOCK_S)
        return due

    def take_rest(self) -> Samples:
        """Return the samples at 16 kHz that were waiting for others to follow."""
        return self.input.finish()

    def give(self, voice: Samples) -> Samples:
        """Convert the next ``(time,)`` at 16 kHz; return those that are due."""
        return self._count(voice if self.output is None else self.output.push(voice))

    def give_rest(self, voice: Samples) -> Samples:
        """Convert the last ``(time,)`` at 16 kHz, so that as many were given as were taken."""
        if self.output is None:
            return np.zeros(0, np.float32)
        found = self._count(np.concatenate([self.output.push(voice), self.output.finish()]))
        # Rounding on the way to 16 kHz and back can add or lose a sample.
        return np.pad(found, (0, self.input.samples - self.given))

    def _count(self, voice: Samples) -> Samples:
        """Count what is given, never more than was taken."""
        voice = voice[: self.input.samples - self.given]
        self.given += len(voice)
        return voice

    def state(self) -> dict[str, Any]:
        """Return what a session goes on from."""
        return {
            "input": self.input.state(),
            "output": None if self.output is None else self.output.state(),
            "given": self.given,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.clear()
        self.input.restore(state["input"])
        if state["output"] is not None:
            self.output = BlockResampler(SAMPLE_RATE, self.input.rate, BLOCK_S)
            self.output.restore(state["output"])
        self.given = state["given"]
