"""Augmentation of log-mel features: what is linear in power is exact enough there, and nearly free.

Mixing adds mel powers, which leaves out only the cross term of two independent signals; a filter
is a shift of each mel bin. Everything takes and returns ``(batch, frames, mels)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.features.log_mel import gated_level

Features = NDArray[np.float32]
FloatArray = NDArray[np.float64]
DECIBEL = float(np.log(10) / 10)
"""One decibel in natural log power."""


def level(features: Features) -> NDArray[np.float32]:
    """Gated level of each item, ``(batch, 1, 1)``; see `gated_level`."""
    import torch

    return gated_level(torch.from_numpy(features)).numpy()[:, None, None]


def mix(features: Features, interference: Features, ratio_db: FloatArray) -> Features:
    """Add ``interference`` so that the speech is ``ratio_db`` ``(batch,)`` above it."""
    gain = level(features) - level(interference) - DECIBEL * ratio_db[:, None, None]
    return np.logaddexp(features, interference + gain.astype(np.float32))


def tilt(features: Features, generator: np.random.Generator, deviation_db: float = 3.0) -> Features:
    """Filter each item smoothly at random: the first four cosines over the mel axis."""
    batch, _, mels = features.shape
    cosines = np.cos(np.pi * np.outer(np.arange(1, 5), (np.arange(mels) + 0.5) / mels))
    weights = generator.normal(0, deviation_db * DECIBEL, (batch, 4))
    return features + (weights @ cosines).astype(np.float32)[:, None, :]


def band_limit(features: Features, generator: np.random.Generator) -> Features:
    """Attenuate what lies outside a band drawn for each item; half of the bands are a telephone's.

    The stop band falls by 40 to 120 dB an octave and ends 70 dB below.
    """
    size = len(features)
    telephone = generator.random(size) < 0.5
    low = np.where(telephone, 300.0, generator.uniform(20, 300, size))
    high = np.where(telephone, 3400.0, generator.uniform(3400, 7500, size))
    return cut_band(features, low, high, generator.uniform(40, 120, size))


def pass_telephone(features: Features, generator: np.random.Generator) -> Features:
    """Pass each item through a telephone line: a handset, a band, and noise up to 4 kHz.

    The handset is a tilt of 4 dB, the band begins at 150 to 350 and ends at 3,000 to 3,700 Hz, and
    the noise lies 30 to 50 dB below the speech.
    """
    size, mels = len(features), features.shape[-1]
    low, high = generator.uniform(150, 350, size), generator.uniform(3000, 3700, size)
    slope = generator.uniform(40, 120, size)
    limited = cut_band(tilt(features, generator, 4.0), low, high, slope)
    above = np.log2(mel_frequencies(mels) / 4000).clip(min=0)
    noise = level(limited) - DECIBEL * generator.uniform(30, 50, (size, 1, 1))
    noise = noise - DECIBEL * np.minimum(200 * above, 30)
    noise = noise + generator.normal(0, 0.3, features.shape)
    return np.logaddexp(limited, noise.astype(np.float32))


def cut_band(features: Features, low: FloatArray, high: FloatArray, slope: FloatArray) -> Features:
    """Attenuate what lies below ``low`` or above ``high`` (Hz), by ``slope`` (dB an octave).

    All are ``(batch,)``; the stop band ends 70 dB below.
    """
    frequency = mel_frequencies(features.shape[-1])
    below, above = np.log2(low[:, None] / frequency), np.log2(frequency / high[:, None])
    octaves = np.maximum(below, above).clip(min=0)
    attenuation = np.minimum(slope[:, None] * octaves, 70.0) * DECIBEL
    return features - attenuation.astype(np.float32)[:, None, :]


def mel_frequencies(mels: int, lowest: float = 20.0, highest: float = 8000.0) -> FloatArray:
    """Centre of each of Kaldi's mel bins in hertz."""
    first, last = (1127 * np.log1p(hertz / 700) for hertz in (lowest, highest))
    return 700 * np.expm1(np.linspace(first, last, mels + 2)[1:-1] / 1127)


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
