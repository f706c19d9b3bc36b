"""Mixtures of one speaker with others, noise and rooms, drawn from a seeded generator.

Nothing here reads files: voices, noises and rooms are arrays, so that training, evaluation and
tests make mixtures by the same rules.
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
    """How mixtures are drawn; pairs are bounds of a uniform draw.

    Attributes
    ----------
    seconds : float
    speakers : tuple of float
        Probability of one speaker, of two, of three, ...
    absent_probability : float
        Of the target's being none of the speakers.
    overlap : tuple of float
        Share of the mixture in which each other speaker talks.
    interferer_db : tuple of float
        Level of each other speaker above the target's.
    noise_probability : float
    noise_ratio_db : tuple of float
        Level of the target above the noise.
    room_probability : float
    level_db : tuple of float
        Root mean square of the mixture below full scale.
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
        """Length of a mixture."""
        return round(self.seconds * SAMPLE_RATE)


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture and what it was made of; all ``(time,)`` float32 at 16 kHz and of one length.

    Attributes
    ----------
    mixture : ndarray
        The sum of all that follows.
    target : ndarray
        As the microphone hears it, with its room; zeros where the target is absent.
    interferers : tuple of ndarray
    noise : ndarray
    present : bool
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
    """Mix voices, each brought to the level drawn for it.

    Parameters
    ----------
    target : ndarray, ``(time,)``, optional
        None makes a mixture in which the target is absent. Voices of another length are cut, or
        placed at random between silence.
    others, noise
        Likewise; noise that is short repeats.
    room : ndarray, ``(sources, taps)``, optional
        Impulse responses of one room, for the target and the others in turn.
    """
    length = config.samples
    silence = np.zeros(length, np.float32)
    voice = silence if target is None else _place(target, length, length, generator)
    voices = [voice] if target is None else [_levelled(voice, 0.0)]
    for other in others:
        talked = round(length * generator.uniform(*config.overlap))
        placed = _place(other, talked, length, generator)
        voices.append(_levelled(placed, generator.uniform(*config.interferer_db)))
    if room is not None:
        voices = [
            fftconvolve(voice, room[index % len(room)])[:length].astype(np.float32)
            for index, voice in enumerate(voices)
        ]
    background = silence
    if noise is not None:
        ratio = generator.uniform(*config.noise_ratio_db)
        long_enough = np.resize(noise, max(length, len(noise)))
        background = _levelled(_place(long_enough, length, length, generator), -ratio)
    parts = [*voices, background]
    total = np.sum(parts, axis=0)
    power = float(np.sqrt(np.mean(total**2)))
    gain = 10 ** (generator.uniform(*config.level_db) / 20) / max(power, 1e-9)
    voice, *rest, background = [(gain * part).astype(np.float32) for part in parts]
    return Mixture(
        (gain * total).astype(np.float32), voice, tuple(rest), background, target is not None
    )


def _place(voice: Samples, longest: int, length: int, generator: np.random.Generator) -> Samples:
    """At most ``longest`` samples from a random place in ``voice``, at a random place in zeros."""
    start = int(generator.integers(max(len(voice) - longest, 0) + 1))
    cut = voice[start : start + longest]
    placed = np.zeros(length, np.float32)
    begin = int(generator.integers(length - len(cut) + 1))
    placed[begin : begin + len(cut)] = cut
    return placed


def _levelled(voice: Samples, level_db: float) -> Samples:
    """Bring the mean power where there is sound to ``level_db`` above one."""
    active = voice[np.abs(voice) > 0]
    power = float(np.sqrt(np.mean(active**2))) if len(active) else 0.0
    return (voice * (10 ** (level_db / 20) / max(power, 1e-6))).astype(np.float32)
