"""Mean of the channels of a live session, without waiting for the second to end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.audio.mixdown import FADE_S, WINDOW_S, Mixdown
from diarspk.audio.source import Samples

__all__ = ["LiveMixdown"]


class LiveMixdown:
    """Mixes consecutive ``(channels, time)`` down to mono, sample by sample.

    As in :class:`diarspk.audio.mixdown.Mixdown`, channels that cancel each other out are turned
    over, second by second. What a second needs is known when it has passed, and is done to the next
    one: where channels cancel out from the start, the first second is lost.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.mixdown = Mixdown(sample_rate)
        self.second: Samples = np.zeros((channels, 0), np.float32)  # so far
        self.weights = np.full(channels, 1 / channels, np.float32)
        self.before = self.weights

    def push(self, samples: Samples) -> Samples:
        """Mix ``(channels, time)`` down to ``(time,)``."""
        length = round(WINDOW_S * self.mixdown.sample_rate)
        mixed = [np.zeros(0, np.float32)]
        while samples.shape[1]:
            part, samples = np.split(samples, [length - self.second.shape[1]], axis=1)
            mixed.append(self._mix(part))
            self.second = np.concatenate([self.second, part], axis=1)
            if self.second.shape[1] == length:
                self.before = self.weights
                self.weights = self.mixdown.choose_weights(self.second, self.weights)
                self.second = self.second[:, :0]
        return np.concatenate(mixed)

    def _mix(self, part: Samples) -> Samples:
        now = _weighted(part, self.weights)
        if np.array_equal(self.weights, self.before):
            return now
        # From the weights of the second before to those of this one, as the position has it.
        place = self.second.shape[1] + np.arange(part.shape[1], dtype=np.float32)
        rise = np.minimum(place / np.float32(FADE_S * self.mixdown.sample_rate), np.float32(1))
        return rise * now + (1 - rise) * _weighted(part, self.before)

    def state(self) -> dict[str, Any]:
        """Return what a session goes on from."""
        return {"second": self.second, "weights": self.weights, "before": self.before}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.second, self.weights, self.before = (
            state[name] for name in ("second", "weights", "before")
        )


def _weighted(samples: Samples, weights: NDArray[np.float32]) -> Samples:
    """Sum the channels one after the other: a matrix product rounds by the number of samples."""
    total = weights[0] * samples[0]
    for weight, channel in zip(weights[1:], samples[1:], strict=True):
        total = total + weight * channel
    return np.asarray(total, np.float32)
