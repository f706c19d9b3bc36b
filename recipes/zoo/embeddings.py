"""Embeddings of a set of utterances, with a cohort for score normalization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders import WindowedEncoder

__all__ = [
    "Embeddings",
    "Vectors",
    "embed_whole",
    "means_of",
    "read_embeddings",
    "stack_vectors",
    "write_embeddings",
]

FILE = "embeddings.npz"


@dataclass(frozen=True, eq=False)
class Vectors:
    """Unit vectors ``(utterances, dim)``, and their norms before, ``(utterances,)``."""

    vectors: NDArray[np.float32]
    magnitudes: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Vectors by name.

    Attributes
    ----------
    names, speakers : list of str
        Of the utterances.
    vectors : ndarray, ``(utterances, dim)``
    cohort : ndarray, ``(training speakers, dim)``
    magnitudes, seconds : ndarray, ``(utterances,)``
        Norms of the vectors before they were made unit vectors, and durations.
    """

    names: list[str]
    speakers: list[str]
    vectors: NDArray[np.float32]
    cohort: NDArray[np.float32]
    magnitudes: NDArray[np.float64]
    seconds: NDArray[np.float64]


def write_embeddings(found: Embeddings, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    content: dict[str, Any] = {
        one.name: np.array(getattr(found, one.name)) for one in fields(found)
    }
    np.savez(folder / FILE, **content)


def read_embeddings(folder: Path) -> Embeddings:
    with np.load(folder / FILE) as stored:
        content = dict(stored)
    names, speakers = (content.pop(name).tolist() for name in ("names", "speakers"))
    return Embeddings(names, speakers, **content)


def means_of(vectors: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Mean vector of every speaker, ``(speakers, dim)``."""
    return np.stack([own.mean(axis=0) for own in vectors.values()]).astype(np.float32)


def embed_whole(
    encoder: WindowedEncoder, samples: NDArray[np.float32]
) -> tuple[NDArray[np.float32], float]:
    """Embed an utterance at 16 kHz: unit vector, and its norm before.

    The norm of one longer than the encoder takes at once is that of its beginning.
    """
    longest = round(encoder.config.longest * SAMPLE_RATE)
    beginning = samples[:longest]
    with torch.inference_mode():
        frames = encoder.encode_stretch(beginning)
        vector = encoder.network.project(encoder.network.pool(frames[None]))[0]
    magnitude = float(vector.norm())
    if len(samples) > longest:
        return encoder.embed(samples, SAMPLE_RATE), magnitude
    return (vector / vector.norm().clamp_min(1e-12)).numpy(force=True), magnitude


def stack_vectors(found: Sequence[tuple[NDArray[np.float32], float]]) -> Vectors:
    return Vectors(np.stack([vector for vector, _ in found]), np.array([norm for _, norm in found]))
