"""Mutual best: merging of items that come in groups, of which each cluster takes one at most.

Speakers of several recordings are such items: two of one recording are never one person. A pair is
merged only where each is the other's best by a margin, so that a voice between two people of
another recording is left alone rather than given to either.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError

__all__ = ["Merge", "MutualBest", "merge_mutual_best"]

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Merge:
    """Merge of two clusters, or one that was not made.

    Attributes
    ----------
    first, second : tuple of int
        Items of both clusters, each in ascending order.
    score : float
        Mean score of the pairs between them.
    margin : float
        Distance to the score of the nearest rival of either, infinite without one.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    score: float
    margin: float


@dataclass(frozen=True, eq=False)
class MutualBest:
    """Clusters, and how they came about.

    Attributes
    ----------
    labels : NDArray of int64, shape (n,)
        Cluster of each item, numbered by first appearance.
    merges : tuple of Merge
        In the order in which they were made.
    undecided : tuple of Merge
        Pairs of clusters that reach the threshold and lack the margin, best first.
    """

    labels: NDArray[np.int64]
    merges: tuple[Merge, ...]
    undecided: tuple[Merge, ...]


def merge_mutual_best(
    scores: Scores, groups: Sequence[int], *, threshold: float, margin: float
) -> MutualBest:
    """Merge the best pair of clusters again and again, as long as one is good enough.

    The score of two clusters is the mean over the pairs between them (average linkage). A rival of
    a pair ``(A, B)`` is a cluster C that could be merged with A but not with B, with which it
    shares a group, or the other way round: then A is B's or C's, not both. The pair is merged if
    its score reaches the threshold, and lies by the margin or more above those of all rivals.
    A rival that finds its own place elsewhere may be one no longer, so pairs without the margin
    are tried again.

    The partition does not depend on the order of the items, but where scores are equal to the last
    digit: then the pair that comes first is merged first.

    Parameters
    ----------
    scores : NDArray, shape (n, n)
        Symmetric; larger is more alike. Those of two items of one group are not read.
    groups : sequence of int, length n
        Group of each item; a cluster has one item of each at most.
    threshold : float
    margin : float
        From 0.

    Raises
    ------
    ArgumentError
        If the shapes differ, or a score is not finite.
    """
    linked = _check(scores, groups)
    state = _Clusters(linked, len(groups))
    waiting = [
        (-float(linked[i, j]), int(i), int(j)) for i, j in np.argwhere(linked >= threshold) if i < j
    ]
    heapq.heapify(waiting)
    merges: list[Merge] = []
    blocked: list[tuple[float, int, int]] = []
    while waiting:
        pair = heapq.heappop(waiting)
        found = state.describe(*pair)
        if found is None:
            continue
        if found.margin < margin:
            blocked.append(pair)
            continue
        merges.append(found)
        kept = state.merge(pair[1], pair[2])
        for other in np.flatnonzero(state.scores[kept] >= threshold).tolist():
            low, high = sorted((kept, other))
            heapq.heappush(waiting, (-float(state.scores[low, high]), low, high))
        for again in blocked:  # the merge may have taken their rivals
            heapq.heappush(waiting, again)
        blocked = []
    undecided = [one for one in map(lambda pair: state.describe(*pair), blocked) if one is not None]
    return MutualBest(state.labels(), tuple(merges), tuple(undecided))


class _Clusters:
    """Clusters under the lowest number of their items, and the mean scores between them."""

    def __init__(self, scores: Scores, count: int) -> None:
        self.scores = scores
        self.items: dict[int, tuple[int, ...]] = {number: (number,) for number in range(count)}

    def describe(self, negative: float, first: int, second: int) -> Merge | None:
        """Describe a merge; None where one of the two has changed since it was scored."""
        alive = first in self.items and second in self.items
        if not alive or self.scores[first, second] != -negative:
            return None
        rival = max(self._rival(first, second), self._rival(second, first))
        score = -negative
        return Merge(self.items[first], self.items[second], score, score - rival)

    def _rival(self, one: int, other: int) -> float:
        """Best score of ``one`` with what shares a group with ``other``."""
        barred = np.isneginf(self.scores[other]) & ~np.isnan(self.scores[one])
        barred[[one, other]] = False
        return float(self.scores[one][barred].max(initial=-np.inf))

    def merge(self, kept: int, gone: int) -> int:
        """Merge the second cluster into the first, and return the number of both."""
        sizes = len(self.items[kept]), len(self.items[gone])
        # A mean with minus infinity is minus infinity: what bars a part bars the whole.
        row = np.average(self.scores[[kept, gone]], axis=0, weights=sizes)
        row[[kept, gone]] = -np.inf
        self.scores[kept], self.scores[:, kept] = row, row
        self.scores[gone], self.scores[:, gone] = np.nan, np.nan  # nobody's
        self.items[kept] = tuple(sorted(self.items[kept] + self.items.pop(gone)))
        return kept

    def labels(self) -> NDArray[np.int64]:
        found = np.zeros(len(self.scores), np.int64)
        for number, first in enumerate(sorted(self.items)):
            found[list(self.items[first])] = number
        return found


def _check(scores: Scores, groups: Sequence[int]) -> Scores:
    """Copy of the scores in which items of one group, and each item with itself, are barred."""
    given = np.array(scores, np.float64)
    if given.shape != (len(groups), len(groups)):
        raise ArgumentError(
            f"`scores` must be of shape ({len(groups)}, {len(groups)}), a row and a column for "
            f"each of `groups`, got {given.shape}"
        )
    group = np.asarray(groups)
    given[group[:, None] == group[None, :]] = -np.inf
    if np.isnan(given).any() or np.isposinf(given).any():
        raise ArgumentError("`scores` must be finite, got NaN or infinity")
    return given
