"""One vector for a speaker from many recordings, and which of them do not fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.embeddings.unit_vectors import unit_rows
from diarspk.errors import ArgumentError

__all__ = ["SpeakerProfile", "build_profile"]

OUTLIER_DEVIATIONS = 3.0
SMALLEST_SPREAD = 0.05
"""Cosines of good recordings differ by this much anyway; less spread makes nobody an outlier."""


@dataclass(frozen=True, eq=False)
class SpeakerProfile:
    """A speaker as one vector.

    Attributes
    ----------
    vector : ndarray of float32, ``(dim,)``
        Mean of the unit vectors, brought to unit norm.
    similarities : ndarray of float64, ``(n,)``
        Cosine of each reference with the mean of the others; 1 where there is no other.
    outliers : tuple of int
        References whose similarity is far below the others': another speaker, or poor audio.
    """

    vector: NDArray[np.float32]
    similarities: NDArray[np.float64]
    outliers: tuple[int, ...]


def build_profile(vectors: ArrayLike, *, drop_outliers: bool = False) -> SpeakerProfile:
    """Average references of one speaker.

    A reference is an outlier if its similarity is more than three deviations (by the median
    absolute deviation, at least 0.05 in cosine) below the median; it takes three references.

    Parameters
    ----------
    vectors : array_like, ``(n, dim)`` or ``(dim,)``
        Of any norm; each counts the same.
    drop_outliers : bool
        Leave them out of the mean. They are reported either way.

    Raises
    ------
    ArgumentError
        If there is none, or the references cancel out.
    """
    given = np.atleast_2d(np.asarray(vectors, np.float32))
    rows = unit_rows(given, given.shape[-1]).astype(np.float64)
    similarities = _similarities(rows)
    outliers = _outliers(similarities)
    kept = np.ones(len(rows), bool)
    if drop_outliers:
        kept[list(outliers)] = False
    total = rows[kept].mean(0)
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
    lowest = middle - OUTLIER_DEVIATIONS * max(spread, SMALLEST_SPREAD)
    return tuple(int(index) for index in np.flatnonzero(similarities < lowest))
