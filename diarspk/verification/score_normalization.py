"""Adaptive symmetric score normalization (AS-norm)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.arguments import as_numbers, check_count
from diarspk.embeddings.unit_vectors import unit_vectors
from diarspk.errors import ArgumentError

__all__ = ["CohortStatistics", "adaptive_norm", "cohort_statistics"]


@dataclass(frozen=True, eq=False)
class CohortStatistics:
    """Mean and standard deviation of the highest cohort scores of recordings, ``(n,)`` each."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]


def cohort_statistics(
    embeddings: ArrayLike, cohort: ArrayLike, *, top: int = 300
) -> CohortStatistics:
    """Compute statistics of the ``top`` highest cosines with a cohort of other speakers.

    Parameters
    ----------
    embeddings : array_like, ``(n, dim)``
    cohort : array_like, ``(speakers, dim)``
        One vector per speaker, usually means of training speakers who are not in the trials.
    top : int
        Number of highest scores, at most the size of the cohort. Default: 300, as in WeSpeaker.

    Raises
    ------
    ArgumentError
        Dimensions differ, or fewer than two cohort speakers are used.
    """
    rows, others = (
        unit_vectors(np.atleast_2d(as_numbers(vectors, name)), name)
        for vectors, name in ((embeddings, "embeddings"), (cohort, "cohort"))
    )
    if rows.shape[1] != others.shape[1]:
        raise ArgumentError(
            f"`cohort` must hold vectors of dimension {rows.shape[1]}, got {others.shape[1]}"
        )
    count = min(check_count(top, "top"), len(others))
    if count < 2:
        raise ArgumentError(f"`cohort` and `top` must leave at least 2 speakers, got {count}")
    scores = rows @ others.T
    best = np.partition(scores, len(others) - count, axis=1)[:, -count:]
    # The population deviation, as WeSpeaker has it; a floor for cohorts of equal vectors.
    return CohortStatistics(best.mean(1), np.maximum(best.std(1), 1e-6))


def adaptive_norm(
    scores: ArrayLike, enrolments: CohortStatistics, tests: CohortStatistics
) -> NDArray[np.float64]:
    """Normalize scores by both sides and average (Matejka et al., Interspeech 2017, eq. 6).

    Parameters
    ----------
    scores : array_like, ``(trials,)``
    enrolments, tests : CohortStatistics
        Statistics of the two recordings of each trial, in the order of the scores.
    """
    raw = np.asarray(scores, np.float64)
    if not raw.shape == enrolments.mean.shape == tests.mean.shape:
        raise ArgumentError(
            "`enrolments` and `tests` must hold a row for each score, got "
            f"{len(enrolments.mean)} and {len(tests.mean)} for {raw.shape}"
        )
    by_enrolment = (raw - enrolments.mean) / enrolments.deviation
    by_test = (raw - tests.mean) / tests.deviation
    return np.asarray((by_enrolment + by_test) / 2)
