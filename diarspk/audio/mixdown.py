"""Mean of the channels of a recording, which stays audible where they cancel out.

A microphone wired the wrong way round, or a film whose left and right are opposite, has channels
whose mean is silence. In each second of which the mean keeps next to nothing, channels that weaken
the sum of the others are turned over before they are added: the mix then has at least the power of
channels that have nothing in common. Everywhere else it is the plain mean.

What counts is the sound above the hum of the mains: an offset or a hum would hide that speech
cancels out, or cancel out itself where speech does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from diarspk.audio.source import Samples

__all__ = ["Mixdown"]

WINDOW_S = 1.0
MAX_CANCELLED = 0.2
"""Power of the mean, as a part of that which unrelated channels would leave: -7 dB."""
MIN_POWER = 1e-8
"""Mean square below which nothing is turned over: -80 dB of full scale, the noise of 16 bits."""
HUM_S = 0.0025
"""Seconds of the running mean that is taken off before channels are compared: 50 Hz lose 32 dB."""
FADE_S = 0.01
"""Seconds over which the mix changes from that of one window to that of the next."""


@dataclass
class Mixdown:
    """Mixes consecutive ``(channels, time)`` down to mono.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    turned_s : float
        Seconds in which channels were turned over so far.
    """

    sample_rate: int
    turned_s: float = field(default=0.0, init=False)

    def mix(self, chunks: Iterable[Samples]) -> Iterator[Samples]:
        """Yield ``(time,)`` of the same length in total, in windows of a second."""
        weights: NDArray[np.float32] | None = None
        for window in _windows(chunks, round(WINDOW_S * self.sample_rate)):
            before, weights = weights, self.choose_weights(window, weights)
            with np.errstate(invalid="ignore"):  # infinities that cancel are reported by the caller
                mono = self._apply(window, weights, weights if before is None else before)
            yield mono

    def choose_weights(
        self, window: Samples, before: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        """Weight of each channel in a window ``(channels, time)``, after those of the one before.

        The window counts to `turned_s` where a channel is turned over.
        """
        channels = len(window)
        plain = np.full(channels, 1 / channels, np.float32)
        if channels == 1:
            return plain
        with np.errstate(invalid="ignore", over="ignore"):
            sound = _without_hum(window, round(HUM_S * self.sample_rate / 2))
            power = np.square(sound).mean()
            mixed = np.square(sound.mean(axis=0)).mean()
        if not power > MIN_POWER or mixed >= MAX_CANCELLED * power / channels:
            return plain
        if not np.isfinite(power):
            return plain
        self.turned_s += window.shape[1] / self.sample_rate
        turned = plain * _signs(sound)
        # Both signs of the whole mix are as good: the one of the window before has no seam.
        return -turned if before is not None and turned @ before < 0 else turned

    def _apply(
        self, window: Samples, weights: NDArray[np.float32], before: NDArray[np.float32]
    ) -> Samples:
        if np.array_equal(weights, before):
            return _mixed(window, weights)
        mono = _mixed(window, weights)
        length = min(round(FADE_S * self.sample_rate), window.shape[1])
        rise = np.linspace(0, 1, length, dtype=np.float32)
        mono[:length] = rise * mono[:length] + (1 - rise) * _mixed(window[:, :length], before)
        return mono


def _mixed(window: Samples, weights: NDArray[np.float32]) -> Samples:
    if np.all(weights > 0):  # the plain mean, whose rounding is that of numpy
        return window.mean(axis=0)
    mono: Samples = (weights @ window).astype(np.float32)
    return mono


def _without_hum(window: Samples, half: int) -> NDArray[np.float64]:
    """Take off the mean of each sample and of ``half`` samples on each side."""
    padded = np.pad(window.astype(np.float64), ((0, 0), (half + 1, half)), mode="edge")
    sums = np.cumsum(padded, axis=1)
    size = 2 * half + 1
    return window - (sums[:, size:] - sums[:, :-size]) / size


def _signs(window: NDArray[np.float64]) -> NDArray[np.float32]:
    """Sign of each channel by which it does not weaken the sum of the louder ones."""
    signs = np.ones(len(window), np.float32)
    loudest = np.argsort(-np.square(window, dtype=np.float64).sum(axis=1), kind="stable")
    total = np.zeros(window.shape[1])
    for channel in loudest:
        if total @ window[channel] < 0:
            signs[channel] = -1
        total += signs[channel] * window[channel]
    return signs


def _windows(chunks: Iterable[Samples], length: int) -> Iterator[Samples]:
    """Regroup ``(channels, time)`` to windows of ``length``, the last one shorter.

    The grid must not depend on how a library hands out its chunks.
    """
    waiting: list[Samples] = []
    count = 0
    for chunk in chunks:
        while chunk.shape[1]:
            head, chunk = np.split(chunk, [length - count], axis=1)
            waiting.append(head)
            count += head.shape[1]
            if count == length:
                yield np.concatenate(waiting, axis=1)
                waiting, count = [], 0
    if waiting:
        yield np.concatenate(waiting, axis=1)
