"""Sound on the clock of its container: silence is put in where the clock runs on without sound."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from diarspk.audio.source import Samples

__all__ = ["Timeline"]

TOLERANCE_S = 0.1
"""Time stamps are rounded, to 1 ms in Matroska, and jitter; a hole is longer than this."""

MAX_SILENCE_SAMPLES = 1 << 16
"""Longest array of silence."""


@dataclass
class Timeline:
    """Places frames of sound at their time stamps, in seconds from the start of the container.

    A first frame that comes late, and a hole of more than 0.1 s, are filled by silence. Where the
    clock steps back, as it does where files were joined, the sound follows at once and nothing of
    it is lost; the same where it leaps by more than `max_hole_s` or beyond `max_end_s`.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    max_hole_s : float
        Longest hole that is believed.
    max_end_s : float
        Latest time that is believed.
    """

    sample_rate: int
    max_hole_s: float = math.inf
    max_end_s: float = math.inf
    position: int = field(default=0, init=False)
    """Samples placed so far."""
    leaps: list[float] = field(default_factory=list, init=False)
    """Where, in seconds, a leap of the clock was not believed."""
    _shift: float = field(default=0.0, init=False)
    _tolerance_s: float = field(default=0.0, init=False)  # the start is honoured to a sample

    def place(self, samples: Samples, time: float | None) -> Iterator[Samples]:
        """Yield silence up to ``time``, if there is any, then ``samples``.

        Parameters
        ----------
        samples : (channels, time)
        time : float, optional
            Time stamp of the first sample; without one, it follows the sample before.
        """
        if time is not None:
            now = self.position / self.sample_rate
            gap = time + self._shift - now
            if gap > max(self.max_hole_s, 0) or now + gap > self.max_end_s:
                if gap > TOLERANCE_S:
                    self.leaps.append(now)
                self._shift -= gap
            elif gap > self._tolerance_s:
                yield from self._silence(round(gap * self.sample_rate), len(samples))
            elif gap < -TOLERANCE_S:
                self._shift -= gap
        self._tolerance_s = TOLERANCE_S
        self.position += samples.shape[1]
        yield samples

    def _silence(self, count: int, channels: int) -> Iterator[Samples]:
        while count > 0:
            length = min(count, MAX_SILENCE_SAMPLES)
            self.position += length
            count -= length
            yield np.zeros((channels, length), np.float32)
