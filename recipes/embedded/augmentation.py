"""Augmentation of log-mel features: what is linear in power is exact enough there, and nearly free.

Mixing adds mel powers, which leaves out only the cross term of two independent signals; a filter
is a shift of each mel bin. Everything takes and returns ``(batch, frames, mels)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.features import gated_level

Features = NDArray[np.float32]
DECIBEL = float(np.log(10) / 10)
"""One decibel in natural log power."""


def level(features: Features) -> NDArray[np.float32]:
    """Gated level of each item, ``(batch, 1, 1)``; see :func:`diarspk.features.gated_level`."""
    import torch

    return gated_level(torch.from_numpy(features)).numpy()[:, None, None]


def mix(features: Features, interference: Features, ratio_db: NDArray[np.float64]) -> Features:
    """Add ``interference`` so that the speech is ``ratio_db`` ``(batch,)`` above it."""
    gain = level(features) - level(interference) - DECIBEL * ratio_db[:, None, None]
    return np.logaddexp(features, interference + gain.astype(np.float32))


def tilt(features: Features, generator: np.random.Generator, deviation_db: float = 3.0) -> Features:
    """Filter each item smoothly at random: the first four cosines over the mel axis."""
    batch, _, mels = features.shape
    cosines = np.cos(np.pi * np.outer(np.arange(1, 5), (np.arange(mels) + 0.5) / mels))
    weights = generator.normal(0, deviation_db * DECIBEL, (batch, 4))
    return features + (weights @ cosines).astype(np.float32)[:, None, :]


def mask(features: Features, generator: np.random.Generator) -> Features:
    """SpecAugment (Park et al. 2019) with one band of mels and one stretch of time, at the mean."""
    features = features.copy()
    for item in features:
        frames, mels = item.shape
        width, length = generator.integers(0, 12), generator.integers(0, max(frames // 8, 1))
        first, start = generator.integers(mels - width), generator.integers(frames - length)
        fill = item.mean()
        item[:, first : first + width] = fill
        item[start : start + length] = fill
    return features
