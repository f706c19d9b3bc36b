"""Result of a clusterer: labels and a score for each candidate number of speakers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Clustering", "normalize_scores", "number_by_appearance"]


@dataclass(frozen=True, eq=False)
class Clustering:
    """Labels of the windows and scores of the speaker counts.

    Attributes
    ----------
    labels : NDArray[np.int64], shape (n,)
        Speaker of each window.
    count_scores : mapping of int to float
        Score in [0, 1] of each number of speakers that the bounds allow and the clusterer
        considered; they sum to 1. Each clusterer documents what its scores are; they are not
        calibrated against recordings.
    """

    labels: NDArray[np.int64]
    count_scores: Mapping[int, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        scores = {count: round(score, 3) for count, score in self.count_scores.items()}
        speakers = len(np.unique(self.labels))
        return f"Clustering({len(self.labels)} windows, {speakers} speakers, count_scores={scores})"


def normalize_scores(
    scores: Mapping[int, float], min_speakers: int, max_speakers: int, found: int
) -> dict[int, float]:
    """Scores of the allowed counts, scaled to sum to 1; all to `found` where none is positive."""
    allowed = {
        count: float(score)
        for count, score in sorted(scores.items())
        if min_speakers <= count <= max_speakers and score > 0
    }
    total = sum(allowed.values())
    if not total > 0:
        return {found: 1.0}
    return {count: score / total for count, score in allowed.items()}


def number_by_appearance(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Renumber labels to 0..k-1 in the order in which they first appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    numbered: NDArray[np.int64] = rank[inverse]
    return numbered
