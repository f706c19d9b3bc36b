"""Recordings of noise that mixtures and conversations are made with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE, load_audio

__all__ = ["read_noise"]

Samples = NDArray[np.float32]


def read_noise(folder: Path, *, shortest_s: float = 3.0) -> list[Samples]:
    """Noise recordings of a folder that are long enough not to repeat audibly."""
    found = [load_audio(path) for path in sorted(folder.glob("*.opus"))]
    return [noise for noise in found if len(noise) >= shortest_s * SAMPLE_RATE]
