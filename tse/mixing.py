"""Simulation of mixtures: a target, interferers, noise and reverberation; seeded.

Voices, noises and room impulse responses are arrays, so that training, evaluation and tests mix by
the same rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from diarspk.audio import SAMPLE_RATE

__all__ = ["Mixture", "MixtureConfig", "mix"]

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class MixtureConfig:
    """Distributions of mixtures; pairs are bounds of a uniform distribution.

    Attributes
    ----------
    seconds : float
        Length of a mixture.
    speakers : tuple of float
        Probabilities of one speaker, two, three, ...
    absent_probability : float
        Probability that the target is none of the speakers.
    overlap : tuple of float
        Fraction of the mixture in which each interferer talks.
    interferer_db : tuple of float
        Level of each interferer relative to the target.
    noise_probability : float
        Probability of noise.
    noise_ratio_db : tuple of float
        Signal-to-noise ratio of the target.
    room_probability : float
        Probability of reverberation.
    level_db : tuple of float
        Level of the mixture in dB relative to full scale.
    """

    seconds: float = 3.0
    speakers: tuple[float, ...] = (0.03, 0.77, 0.20)
    absent_probability: float = 0.05
    overlap: tuple[float, float] = (0.6, 1.0)
    interferer_db: tuple[float, float] = (-5.0, 5.0)
    noise_probability: float = 0.3
    noise_ratio_db: tuple[float, float] = (3.0, 25.0)
    room_probability: float = 0.2
    level_db: tuple[float, float] = (-38.0, -18.0)

    @property
    def samples(self) -> int:
        """Length of a mixture in samples at 16 kHz."""
        return round(self.seconds * SAMPLE_RATE)


@dataclass(frozen=True, eq=False)
class Mixture:
    """Mixture and its components, all ``(time,)`` float32 at 16 kHz and of one length.

    Attributes
    ----------
    mixture : ndarray
        Sum of the components.
    target : ndarray
        Target as in the mixture, reverberant; zeros if absent.
    interferers : tuple of ndarray
        Other voices as in the mixture.
    noise : ndarray
        Noise as in the mixture.
    present : bool
        Whether the target talks in the mixture.
    """

    mixture: Samples
    target: Samples
    interferers: tuple[Samples, ...]
    noise: Samples
    present: bool


def mix(
    target: Samples | None,
    others: Sequence[Samples],
    noise: Samples | None,
    config: MixtureConfig,
    generator: np.random.Generator,
    *,
    room: NDArray[np.floating] | None = None,
) -> Mixture:
    """Mix voices and noise at levels drawn from ``config``.

    Parameters
    ----------
    target : ndarray, ``(time,)``, optional
        Target voice; None makes a mixture without the target. A voice of another length than the
        mixture is cut, or placed at random in silence.
    others
        Voices of the interferers, likewise.
    noise : ndarray, ``(time,)``, optional
        Noise; a short one repeats.
    config, generator
        Distributions, and the generator to draw from.
    room : ndarray, ``(sources, taps)``, optional
        Impulse responses of one room, for the target and the interferers in turn.
    """
    length = config.samples
    silence = np.zeros(length, np.float32)
    voice = silence if target is None else _place(target, length, length, generator)
    voices = [voice] if target is None else [_scale(voice, 0.0)]
    for other in others:
        active = round(length * generator.uniform(*config.overlap))
        placed = _place(other, active, length, generator)
        voices.append(_scale(placed, generator.uniform(*config.interferer_db)))
    if room is not None:
        voices = [
            fftconvolve(voice, room[index % len(room)])[:length].astype(np.float32)
            for index, voice in enumerate(voices)
        ]
    background = silence
    if noise is not None:
        ratio = generator.uniform(*config.noise_ratio_db)
        long_enough = np.resize(noise, max(length, len(noise)))
        background = _scale(_place(long_enough, length, length, generator), -ratio)
    parts = [*voices, background]
    total = np.sum(parts, axis=0)
    power = float(np.sqrt(np.mean(total**2)))
    gain = 10 ** (generator.uniform(*config.level_db) / 20) / max(power, 1e-9)
    voice, *rest, background = [(gain * part).astype(np.float32) for part in parts]
    return Mixture(
        (gain * total).astype(np.float32), voice, tuple(rest), background, target is not None
    )


def _place(voice: Samples, duration: int, length: int, generator: np.random.Generator) -> Samples:
    """Cut up to ``duration`` samples at random from ``voice``, place them at random in zeros."""
    start = int(generator.integers(max(len(voice) - duration, 0) + 1))
    cut = voice[start : start + duration]
    placed = np.zeros(length, np.float32)
    begin = int(generator.integers(length - len(cut) + 1))
    placed[begin : begin + len(cut)] = cut
    return placed


def _scale(voice: Samples, level_db: float) -> Samples:
    """Scale the level of the active (nonzero) samples to ``level_db`` relative to one."""
    active = voice[np.abs(voice) > 0]
    power = float(np.sqrt(np.mean(active**2))) if len(active) else 0.0
    return (voice * (10 ** (level_db / 20) / max(power, 1e-6))).astype(np.float32)
