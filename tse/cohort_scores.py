"""Cosines with an enrolled voice, normalized by a cohort of other speakers (AS-norm)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.verification.cohort import Cohort
from diarspk.verification.score_normalization import (
    CohortStatistics,
    adaptive_norm,
    cohort_statistics,
)

__all__ = ["TOP_COHORT", "normalized_scores"]

TOP_COHORT = 200
"""Most similar vectors of the cohort that count."""


def normalized_scores(
    enrolled: NDArray[np.float32], vectors: NDArray[np.float32], cohort: Cohort
) -> NDArray[np.float64]:
    """Score unit vectors ``(n, dim)`` against the one of an enrolled voice, ``(dim,)``.

    Returns
    -------
    ndarray, ``(n,)``
        Standard deviations above the most similar other speakers of both sides.
    """
    own = cohort_statistics(enrolled[None], cohort.vectors, top=TOP_COHORT)
    other = cohort_statistics(vectors, cohort.vectors, top=TOP_COHORT)
    for_all = CohortStatistics(
        np.repeat(own.mean, len(vectors)), np.repeat(own.deviation, len(vectors))
    )
    return adaptive_norm(vectors @ enrolled, for_all, other)
