"""Speaker profile: one vector from several references, with its outliers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.arguments import as_numbers
from diarspk.embeddings.unit_vectors import unit_rows
from diarspk.errors import ArgumentError

__all__ = ["SpeakerProfile", "build_profile"]

OUTLIER_DEVIATIONS = 3.0
"""Deviations below the median from which a reference is an outlier."""

MIN_SPREAD = 0.05
"""Floor of the deviation, in cosine: good recordings of one speaker differ by so much."""


@dataclass(frozen=True, eq=False)
class SpeakerProfile:
    """Mean embedding of a speaker, and how well each reference agrees with the others.

    Attributes
    ----------
    vector : ndarray of float32, ``(dim,)``
        Mean of the unit vectors, scaled to unit norm.
    similarities : ndarray of float64, ``(n,)``
        Cosine of each reference with the mean of the others; 1 where there is no other.
    outliers : tuple of int
        Rows of references that are far less similar than the others: another speaker, or poor
        audio.
    """

    vector: NDArray[np.float32]
    similarities: NDArray[np.float64]
    outliers: tuple[int, ...]

    def __repr__(self) -> str:
        return (
            f"SpeakerProfile(dimension {len(self.vector)}, {len(self.similarities)} references, "
            f"outliers={self.outliers})"
        )


def build_profile(vectors: ArrayLike, *, drop_outliers: bool = False) -> SpeakerProfile:
    """Average the references of one speaker.

    A reference is an outlier if its similarity is more than three deviations (from the median
    absolute deviation, at least 0.05 in cosine) below the median. Needs three references or more.

    Parameters
    ----------
    vectors : array_like, ``(n, dim)`` or ``(dim,)``
        Any scale; each counts the same.
    drop_outliers : bool
        Exclude outliers from the mean; they are reported in either case.

    Raises
    ------
    ArgumentError
        There is no reference, or they cancel each other.
    """
    given = np.atleast_2d(as_numbers(vectors, "vectors"))
    rows = unit_rows(given, given.shape[-1]).astype(np.float64)
    similarities = _similarities(rows)
    outliers = _outliers(similarities)
    used = np.ones(len(rows), bool)
    if drop_outliers:
        used[list(outliers)] = False
    total = rows[used].mean(0)
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        raise ArgumentError("`vectors` must point in some common direction, got a mean of zero")
    return SpeakerProfile((total / length).astype(np.float32), similarities, outliers)


def _similarities(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(rows) == 1:
        return np.ones(1)
    others = rows.sum(0) - rows
    lengths = np.maximum(np.linalg.norm(others, axis=1), 1e-12)
    return np.asarray(np.sum(rows * others, axis=1) / lengths)


def _outliers(similarities: NDArray[np.float64]) -> tuple[int, ...]:
    if len(similarities) < 3:
        return ()
    middle = float(np.median(similarities))
    spread = 1.4826 * float(np.median(np.abs(similarities - middle)))
    lowest = middle - OUTLIER_DEVIATIONS * max(spread, MIN_SPREAD)
    return tuple(int(index) for index in np.flatnonzero(similarities < lowest))
