"""Micro-clusters: fewer rows for a clusterer whose memory is quadratic in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.dendrogram import agglomerate
from diarspk.clustering.weighted_points import WeightedPoints

__all__ = ["BLOCK_WINDOWS", "EXACT_WINDOWS", "condense"]

LARGEST_SHRINKAGE = 10
"""Rows that one pass makes into one, on average and at most: more would mix speakers early."""

EXACT_WINDOWS = 4000
"""Most rows that are clustered one by one: 128 MB of distances, an hour at a hop of 0.9 s."""

BLOCK_WINDOWS = 1000
"""Rows that are condensed at once: time is the rows times this, memory its square."""


def condense(points: WeightedPoints, limit: int) -> tuple[WeightedPoints, NDArray[np.int64]]:
    """Merge points into at most `limit` micro-clusters; as they are where there are no more.

    Consecutive blocks of rows are merged by Ward linkage, each to its share of the limit: Ward,
    since its clusters stay compact where average linkage would spend them on outliers.

    Returns
    -------
    condensed : WeightedPoints
    membership : NDArray, shape (n,)
        Row of `condensed` behind each row of `points`.
    """
    membership = np.arange(points.count)
    while points.count > limit:
        blocks = -(-points.count // BLOCK_WINDOWS)
        total = limit if blocks == 1 else max(limit, BLOCK_WINDOWS)
        merged = np.zeros(points.count, dtype=np.int64)
        used = 0
        for part, rows in enumerate(np.array_split(np.arange(points.count), blocks)):
            share = max(total // blocks + (part < total % blocks), 1)
            if blocks > 1:
                share = max(share, -(-len(rows) // LARGEST_SHRINKAGE))
            merged[rows] = used + agglomerate(points.subset(rows), "ward").cut(share)
            used += share
        points, membership = points.merged(merged), merged[membership]
    return points, membership
