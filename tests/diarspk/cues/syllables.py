"""Speech in miniature: a tone that comes and goes as syllables and pauses do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.tiny_model import VOICES

__all__ = ["PAUSE_S", "syllables"]

PERIOD_S = 0.5
"""A syllable, and the pause after it."""

PAUSE_S = 0.15


def syllables(
    name: str, seconds: float, *, noise: float = 0.001, level: float = 0.3, rate: int = 16000
) -> NDArray[np.float32]:
    """Speech of a voice ``(time,)``; a syllable begins every half second."""
    time = np.arange(round(seconds * rate)) / rate
    talking = time % PERIOD_S < PERIOD_S - PAUSE_S
    background = np.random.default_rng(0).normal(size=len(time))
    voice = level * np.sin(2 * np.pi * VOICES[name] * time) * talking
    return (voice + noise * background).astype(np.float32)
