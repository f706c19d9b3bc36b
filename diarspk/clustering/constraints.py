"""What the caller knows of pairs of windows: rows that must be one speaker become one row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.clustering.problem import Problem, checked_pairs
from diarspk.errors import ArgumentError

__all__ = ["connect", "tie"]


def connect(pairs: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Group rows that are linked, directly or through others.

    Parameters
    ----------
    pairs : array of int, shape (m, 2)
    count : int
        Number of rows.

    Returns
    -------
    NDArray, shape (count,)
        Groups 0..g-1, numbered by first appearance.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    groups = connected_components(links, directed=False)[1]
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    numbered: NDArray[np.int64] = rank[inverse]
    return numbered


def tie(problem: Problem, must_link: ArrayLike | None) -> tuple[Problem, NDArray[np.int64]]:
    """Make one row of all rows that must be one speaker.

    Whatever clusters the rows then honours the pairs. Bounds are clipped to the rows that are
    left: a speaker needs one of them.

    Returns
    -------
    tied : Problem
    membership : NDArray, shape (n,)
        Row of `tied` behind each row of `problem`.

    Raises
    ------
    ArgumentError
        Pairs do not fit the rows, or contradict a cannot-link pair.
    """
    pairs = checked_pairs(must_link, problem.count, "must_link")
    if not len(pairs):
        return problem, np.arange(problem.count)
    groups = connect(pairs, problem.count)
    first, second = problem.cannot_link.T
    if (clash := groups[first] == groups[second]).any():
        row, other = problem.cannot_link[int(clash.argmax())]
        raise ArgumentError(
            f"`must_link` must not contradict `cannot_link`, got rows {row} and {other} as one "
            "speaker and as two; drop one of the pairs."
        )
    tied = problem.merged(groups)
    tied = replace(tied, cannot_link=np.unique(np.sort(tied.cannot_link, axis=1), axis=0))
    return tied.bounded(problem.fewest, problem.most), groups
