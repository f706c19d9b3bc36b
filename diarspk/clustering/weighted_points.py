"""Weighted points that clusterers partition, each the mean of one window or of several."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from diarspk.embeddings.unit_vectors import normalize_in_place
from diarspk.errors import ArgumentError

__all__ = ["WeightedPoints", "apply_must_link", "connect", "number_by_appearance"]


@dataclass(frozen=True, eq=False)
class WeightedPoints:
    """Validated input of :meth:`diarspk.clustering.PartitionClusterer.partition`.

    Attributes
    ----------
    means : NDArray, shape (n, dim)
        Mean of the unit-norm embeddings of the point's windows; for one window, its unit vector.
    weights : NDArray, shape (n,)
        Number of windows of each point.
    durations : NDArray, shape (n,), or None
        Seconds of speech of each point, where the caller gave them.
    min_speakers, max_speakers : int
        Bounds on the number of speakers, at most n; both 0 without points.
    cannot_link : NDArray, shape (m, 2)
        Pairs of points of different speakers.
    initial_labels : tuple of NDArray, shape (n,)
        Partitions that iterative clusterers may start from.
    dialogue : float, optional
        See :class:`diarspk.clustering.ClusteringInput`.
    """

    means: NDArray[np.float64]
    weights: NDArray[np.float64]
    durations: NDArray[np.float64] | None
    min_speakers: int
    max_speakers: int
    cannot_link: NDArray[np.int64]
    initial_labels: tuple[NDArray[np.int64], ...] = ()
    dialogue: float | None = None

    def __repr__(self) -> str:
        return (
            f"WeightedPoints({self.count} points of {self.weights.sum():.0f} windows, "
            f"{self.min_speakers} to {self.max_speakers} speakers)"
        )

    @property
    def count(self) -> int:
        """Number of points."""
        return len(self.means)

    def limit(self, default: int) -> int:
        """Largest number of speakers to search: the caller's maximum, else `default`.

        At least the minimum.
        """
        if self.max_speakers < self.count:
            return self.max_speakers
        return max(default, self.min_speakers)

    def bounded(self, min_speakers: int, max_speakers: int) -> WeightedPoints:
        """Replace the bounds, clipped to the number of points."""
        lowest, highest = min(min_speakers, self.count), min(max_speakers, self.count)
        return replace(self, min_speakers=lowest, max_speakers=highest)

    def unbounded(self) -> WeightedPoints:
        """Drop the bounds; a cannot-link pair still proves two speakers."""
        return self.bounded(2 if len(self.cannot_link) else 1, self.count)

    def centred(self, share: float) -> WeightedPoints:
        """Subtract `share` of the mean unit vector from the points, and normalize them again."""
        rows = self.means.copy()  # the only copy: ten hours are 75,000 rows
        normalize_in_place(rows)
        rows -= share / self.weights.sum() * (self.weights @ rows)
        normalize_in_place(rows)
        return replace(self, means=rows)

    def merged(self, labels: NDArray[np.int64]) -> WeightedPoints:
        """Merge the points of each label 0..k-1 into one; pairs inside a label are dropped.

        Initial labels of a merged point are those of its first point.
        """
        count = int(labels.max()) + 1
        weights = np.bincount(labels, self.weights).astype(np.float64)
        # A sparse matrix sums rows without a second copy of the means.
        chosen = (self.weights, (labels, np.arange(self.count)))
        sums = sparse.csr_matrix(chosen, shape=(count, self.count)) @ self.means
        durations = self.durations
        if durations is not None:
            durations = np.bincount(labels, durations).astype(np.float64)
        pairs = labels[self.cannot_link]
        first = np.unique(labels, return_index=True)[1]
        return replace(
            self,
            means=sums / weights[:, None],
            weights=weights,
            durations=durations,
            cannot_link=pairs[pairs[:, 0] != pairs[:, 1]],
            initial_labels=tuple(initial[first] for initial in self.initial_labels),
        )

    def subset(self, rows: NDArray[np.int64]) -> WeightedPoints:
        """Select points, and the cannot-link pairs among them."""
        position = np.full(self.count, -1)
        position[rows] = np.arange(len(rows))
        pairs = position[self.cannot_link]
        return WeightedPoints(
            self.means[rows],
            self.weights[rows],
            None if self.durations is None else self.durations[rows],
            min(self.min_speakers, len(rows)),
            min(self.max_speakers, len(rows)),
            pairs[(pairs >= 0).all(axis=1)],
            tuple(initial[rows] for initial in self.initial_labels),
            self.dialogue,
        )


def number_by_appearance(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Renumber labels to 0..k-1 in the order in which they first appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    numbered: NDArray[np.int64] = rank[inverse]
    return numbered


def connect(pairs: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Find the connected components of the graph with `count` nodes and these edges.

    Parameters
    ----------
    pairs : array of int, shape (m, 2)

    Returns
    -------
    NDArray, shape (count,)
        Components 0..g-1, numbered by first appearance.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return number_by_appearance(connected_components(links, directed=False)[1])


def apply_must_link(
    points: WeightedPoints, must_link: NDArray[np.int64]
) -> tuple[WeightedPoints, NDArray[np.int64]]:
    """Merge points that must-link pairs join, so that every clusterer respects the pairs.

    Bounds are clipped to the points that are left: a speaker needs one of them.

    Returns
    -------
    merged : WeightedPoints
    membership : NDArray, shape (n,)
        Merged point of each of `points`.

    Raises
    ------
    ArgumentError
        Pairs contradict a cannot-link pair.
    """
    if not len(must_link):
        return points, np.arange(points.count)
    groups = connect(must_link, points.count)
    first, second = points.cannot_link.T
    if (clash := groups[first] == groups[second]).any():
        row, other = points.cannot_link[int(clash.argmax())]
        raise ArgumentError(
            f"`must_link` must not contradict `cannot_link`, got rows {row} and {other} as one "
            "speaker and as two; drop one of the pairs."
        )
    merged = points.merged(groups)
    merged = replace(merged, cannot_link=np.unique(np.sort(merged.cannot_link, axis=1), axis=0))
    return merged.bounded(points.min_speakers, points.max_speakers), groups
