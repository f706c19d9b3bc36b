"""What is done to audio before it is embedded, and to vectors afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.embeddings.unit_vectors import normalize_rows
from eval.correlation.specification import EncoderSpecification

__all__ = ["degrade", "transform"]


def degrade(
    waveform: NDArray[np.float32], specification: EncoderSpecification
) -> NDArray[np.float32]:
    """Filter, then add noise; the noise depends on the seed and the length only."""
    if specification.low_pass_hz is not None:
        from scipy.signal import butter, sosfiltfilt

        sections = butter(8, specification.low_pass_hz, fs=SAMPLE_RATE, output="sos")
        waveform = sosfiltfilt(sections, waveform).astype(np.float32)
    if specification.noise_db is not None:
        generator = np.random.default_rng([specification.seed, len(waveform)])
        noise = generator.normal(size=len(waveform)).astype(np.float32)
        level = float(np.sqrt(np.mean(np.square(waveform)))) * 10 ** (-specification.noise_db / 20)
        waveform = waveform + np.float32(level) * noise
    return waveform


def transform(
    vectors: NDArray[np.float32], specification: EncoderSpecification
) -> NDArray[np.float32]:
    """Cut, project and disturb vectors ``(n, dim)``: unit vectors ``(n, smaller dim)``.

    Jitter depends on the vector alone, so that one segment has one embedding wherever it is used.
    """
    rows: NDArray[Any] = vectors[:, : specification.prefix]
    rows = normalize_rows(rows)
    if specification.projection is not None:
        generator = np.random.default_rng(specification.seed)
        rows = rows @ generator.normal(size=(rows.shape[1], specification.projection))
    if specification.jitter:
        scale = specification.jitter / np.sqrt(rows.shape[1])
        noise = [
            np.random.default_rng([specification.seed, *row.astype(np.float32).tobytes()]).normal(
                size=len(row)
            )
            for row in rows
        ]
        rows = rows + scale * np.array(noise).reshape(rows.shape)
    return normalize_rows(rows).astype(np.float32)
