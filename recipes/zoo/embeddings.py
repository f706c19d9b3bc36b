"""Embeddings of a test set, with a cohort for score normalization."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Embeddings"]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Vectors by name.

    Attributes
    ----------
    names, speakers : list of str
        Of the test utterances.
    vectors : ndarray, ``(utterances, dim)``
    cohort : ndarray, ``(training speakers, dim)``
    """

    names: list[str]
    speakers: list[str]
    vectors: NDArray[np.float32]
    cohort: NDArray[np.float32]


def means_of(vectors: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Mean vector of every speaker, ``(speakers, dim)``."""
    return np.stack([own.mean(axis=0) for own in vectors.values()]).astype(np.float32)
