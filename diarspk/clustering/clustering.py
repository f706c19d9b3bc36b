"""What a clusterer finds: labels, and how much speaks for each number of speakers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Clustering", "normalize_scores"]


@dataclass(frozen=True, eq=False)
class Clustering:
    """Labels of the rows and scores of the counts.

    Attributes
    ----------
    labels : NDArray[np.int64], shape (n,)
        Speaker of each row.
    count_scores : mapping of int to float
        For each number of speakers that the bounds allow and the clusterer considered: how much
        speaks for it, in [0, 1]; together 1. What the scores are is said by each clusterer; they
        are beliefs of one method, not calibrated against recordings.
    """

    labels: NDArray[np.int64]
    count_scores: Mapping[int, float] = field(default_factory=dict)


def normalize_scores(
    scores: Mapping[int, float], fewest: int, most: int, found: int
) -> dict[int, float]:
    """Keep the scores of the allowed counts, scaled to 1; all to `found` where nothing is left."""
    allowed = {
        count: float(score)
        for count, score in sorted(scores.items())
        if fewest <= count <= most and score > 0
    }
    total = sum(allowed.values())
    if not total > 0:
        return {found: 1.0}
    return {count: score / total for count, score in allowed.items()}
