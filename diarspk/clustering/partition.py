"""Laws every partition obeys, whichever clusterer made it: bounds, cannot-link pairs, numbering."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.problem import Problem
from diarspk.clustering.tree import merge_tree

__all__ = ["absorb", "meet_bounds", "number_by_appearance", "separate"]


def number_by_appearance(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rename labels to 0..k-1 in the order in which they first appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    numbered: NDArray[np.int64] = rank[inverse]
    return numbered


def meet_bounds(problem: Problem, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Split the most scattered speaker, or merge the closest two, until the count is allowed.

    Splits follow Ward linkage inside the speaker, merges average linkage between speakers.
    """
    labels = number_by_appearance(labels)
    while (count := int(labels.max()) + 1) < problem.fewest:
        rows = np.flatnonzero(labels == _most_scattered(problem, labels))
        halves = merge_tree(problem.subset(rows), "ward").cut(2)
        labels[rows[halves == 1]] = count
    if count > problem.most:
        labels = merge_tree(problem.merged(labels)).cut(problem.most)[labels]
    return labels


def separate(problem: Problem, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Part the cannot-link pairs that share a speaker, keeping the number of speakers.

    Of such a pair, the row that loses less similarity moves to the nearest speaker that none of
    its own pairs forbids; where there is no such speaker, the pair stays together.
    """
    pairs = problem.cannot_link
    clashes = pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]]
    if not len(clashes):
        return labels
    labels = labels.copy()
    centres = _directions(problem.merged(labels).means)
    for first, second in clashes:
        if labels[first] != labels[second]:
            continue
        moves = []
        for row in (first, second):
            similarity = centres @ problem.means[row]
            own = similarity[labels[row]]
            partners = pairs[(pairs == row).any(axis=1)]
            similarity[labels[partners]] = -np.inf
            moves.append((own - similarity.max(), row, int(similarity.argmax())))
        loss, row, target = min(moves)
        if np.isfinite(loss):
            labels[row] = target
    return labels


def absorb(
    problem: Problem, labels: NDArray[np.int64], kept: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Give every speaker outside `kept` to the one of `kept` with the most similar mean."""
    means = problem.merged(labels).means
    nearest = kept[(means @ _directions(means[kept]).T).argmax(axis=1)]
    nearest[kept] = kept
    absorbed: NDArray[np.int64] = nearest[labels]
    return absorbed


def _most_scattered(problem: Problem, labels: NDArray[np.int64]) -> int:
    """Label of the largest within-speaker sum of squares, among those of two rows or more."""
    merged = problem.merged(labels)
    squares = problem.weights * (problem.means**2).sum(axis=1)
    scatter = np.bincount(labels, squares) - merged.weights * (merged.means**2).sum(axis=1)
    scatter[np.bincount(labels) < 2] = -np.inf
    return int(scatter.argmax())


def _directions(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale rows to unit norm; a mean of zero, which has no direction, stays zero."""
    norms = np.linalg.norm(means, axis=1, keepdims=True)
    directions: NDArray[np.float64] = means / np.where(norms > 0, norms, 1.0)
    return directions
