"""Resampling of a live session, the same however it is cut, from samples alone.

Samples are resampled on a fixed grid of short blocks, each by itself with its neighbours as
context. So what comes out does not depend on how they are cut into pushes, and is the same after a
session was saved and loaded: all that is kept is samples.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import soxr

from diarspk.audio.source import Samples

__all__ = ["BlockResampler"]


class BlockResampler:
    """Converts consecutive mono samples from one rate to another.

    Parameters
    ----------
    rate, target
        Sample rates in Hz.
    block_s
        Seconds of a block that is resampled by itself, at least, and of its context on each side.
    """

    def __init__(self, rate: int, target: int, block_s: float) -> None:
        self.rate, self.target = rate, target
        # A block is of a whole number of samples at both rates.
        unit = rate // math.gcd(rate, target)
        self.block = unit * math.ceil(block_s * rate / unit)
        self.received = 0
        self.waiting: Samples = np.zeros(0, np.float32)  # from the context of the next block on

    @property
    def latency_s(self) -> float:
        """Seconds until a sample comes out, at most."""
        return 0.0 if self.rate == self.target else 2 * self.block / self.rate

    def push(self, samples: Samples) -> Samples:
        """Take in samples ``(time,)``; return those at the other rate that are due."""
        begins = not self.received
        self.received += len(samples)
        if self.rate == self.target:
            return np.ascontiguousarray(samples)
        block = self.block
        if self.received and begins:
            self.waiting = np.zeros(block, np.float32)  # silence before the start
        self.waiting = np.concatenate([self.waiting, samples])
        count = max((len(self.waiting) - 2 * block) // block, 0)
        edge = round(block * self.target / self.rate)
        due = [np.zeros(0, np.float32)]
        for number in range(count):
            piece = self._convert(self.waiting[number * block :][: 3 * block])
            due.append(piece[edge : 2 * edge])
        self.waiting = self.waiting[count * block :]
        return np.concatenate(due)

    def finish(self) -> Samples:
        """Return the samples that were waiting for context."""
        if self.rate == self.target or not self.received:
            return np.zeros(0, np.float32)
        # Blocks that are whole are done: what waits is the context of the next one, and its start.
        rest = len(self.waiting) - self.block
        due = math.ceil(self.received * self.target / self.rate)
        due -= (self.received - rest) * self.target // self.rate
        padded = np.concatenate([self.waiting, np.zeros(3 * self.block, np.float32)])
        edge = round(self.block * self.target / self.rate)
        return self._convert(padded)[edge:][: max(due, 0)]

    def _convert(self, samples: Samples) -> Samples:
        found: Samples = soxr.resample(samples, self.rate, self.target, quality="HQ")
        return found

    def state(self) -> dict[str, Any]:
        """Return what a session goes on from."""
        return {"received": self.received, "waiting": self.waiting}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.received, self.waiting = state["received"], state["waiting"]
