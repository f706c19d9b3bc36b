"""Micro-clusters: fewer rows for a clusterer whose memory is quadratic in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.problem import Problem
from diarspk.clustering.tree import merge_tree

__all__ = ["BLOCK_WINDOWS", "EXACT_WINDOWS", "condense"]

LARGEST_SHRINKAGE = 10
"""Rows that one pass makes into one, on average and at most: more would mix speakers early."""

EXACT_WINDOWS = 4000
"""Most rows that are clustered one by one: 128 MB of distances, an hour at a hop of 0.9 s."""

BLOCK_WINDOWS = 1000
"""Rows that are condensed at once: time is the rows times this, memory its square."""


def condense(problem: Problem, limit: int) -> tuple[Problem, NDArray[np.int64]]:
    """Reduce a problem to at most `limit` rows, or leave it as it is when it has no more.

    Consecutive blocks of rows are merged by Ward linkage, each to its share of the limit: Ward,
    since its clusters stay compact where average linkage would spend them on outliers.

    Returns
    -------
    condensed : Problem
    membership : NDArray, shape (n,)
        Row of `condensed` behind each row of `problem`.
    """
    membership = np.arange(problem.count)
    while problem.count > limit:
        blocks = -(-problem.count // BLOCK_WINDOWS)
        total = limit if blocks == 1 else max(limit, BLOCK_WINDOWS)
        merged = np.zeros(problem.count, dtype=np.int64)
        used = 0
        for part, rows in enumerate(np.array_split(np.arange(problem.count), blocks)):
            share = max(total // blocks + (part < total % blocks), 1)
            if blocks > 1:
                share = max(share, -(-len(rows) // LARGEST_SHRINKAGE))
            merged[rows] = used + merge_tree(problem.subset(rows), "ward").cut(share)
            used += share
        problem, membership = problem.merged(merged), merged[membership]
    return problem, membership
