"""The merge tree of agglomerative clustering, with weights and cannot-link pairs.

Average linkage on cosine distance, centroid and Ward linkage all follow from cluster means and
weights alone, so rows may stand for many windows and the tree is still that of the windows. A
cannot-link pair is an infinite distance, which every update keeps infinite.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from hashlib import blake2b
from threading import Lock
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.weighted_points import WeightedPoints

__all__ = ["Linkage", "MergeTree", "merge_tree"]

Linkage = Literal["average", "centroid", "ward"]

FORBIDDEN = 1e12
"""Distance of a cannot-link pair in scipy, which knows no infinity under every linkage."""

HIGHEST = 1e3
"""Above any distance of allowed merges, below any that holds a share of a forbidden one."""


@dataclass(frozen=True, eq=False)
class MergeTree:
    """All n - 1 merges in order; the row with the lower number carries the merged cluster on.

    Attributes
    ----------
    pairs : NDArray, shape (n - 1, 2)
        Rows that are merged, lower first.
    heights : NDArray, shape (n - 1,)
        Distance of the merge; infinite from the first merge that breaks a cannot-link pair.
    """

    pairs: NDArray[np.int64]
    heights: NDArray[np.float64]

    def cut(self, count: int) -> NDArray[np.int64]:
        """Labels ``(n,)`` of the partition into `count` clusters, numbered by first appearance."""
        total = len(self.pairs) + 1
        return _join(self.pairs[: total - count], total)


def _join(pairs: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Labels of `total` rows after these merges: ``(total,)``."""
    roots = np.arange(total)
    roots[pairs[:, 1]] = pairs[:, 0]
    for row in range(total):  # a root has a lower number, hence is final already
        roots[row] = roots[roots[row]]
    labels: NDArray[np.int64] = np.unique(roots, return_inverse=True)[1]
    return labels


def merge_tree(points: WeightedPoints, linkage: Linkage = "average") -> MergeTree:
    """Merge the closest two clusters until one is left.

    Average: mean of 1 - cosine over pairs of windows; centroid: Euclidean distance between means
    of unit vectors; Ward: sqrt(2 a b / (a + b)) times that, for a and b windows. Heights are those
    of ``scipy.cluster.hierarchy.linkage`` (in which average linkage takes the cosine metric).
    Merges that break a cannot-link pair come last, the closest clusters first. Memory and
    typical time are quadratic in the rows.

    Windows are merged by scipy, rows that stand for several by the "generic" algorithm of Müllner
    2011 (arXiv 1109.2378). The last trees are remembered, since neither a threshold nor a
    count changes them: clustering again with another takes milliseconds.
    """
    key = _digest(points, linkage)
    tree = _remembered.get(key)
    if tree is None:
        windows = points.count > 2 and bool((points.weights == 1).all())
        # Huge distances instead of forbidden ones are no distances between means.
        windows &= linkage != "centroid" or not len(points.cannot_link)
        tree = _merge_windows(points, linkage) if windows else _merge_rows(points, linkage)
        _remembered.put(key, tree)
    return tree


class _Memory:
    """The most recent trees, of so many rows in all; a row takes 24 bytes."""

    def __init__(self, most_rows: int) -> None:
        self.most_rows = most_rows
        self.rows = 0
        self.trees: OrderedDict[bytes, MergeTree] = OrderedDict()
        self.lock = Lock()

    def get(self, key: bytes) -> MergeTree | None:
        with self.lock:
            if key in self.trees:
                self.trees.move_to_end(key)
            return self.trees.get(key)

    def put(self, key: bytes, tree: MergeTree) -> None:
        with self.lock:
            if key in self.trees:
                return
            self.trees[key] = tree
            self.rows += len(tree.heights)
            while self.rows > self.most_rows:
                self.rows -= len(self.trees.popitem(last=False)[1].heights)


_remembered = _Memory(200_000)


def _digest(points: WeightedPoints, linkage: Linkage) -> bytes:
    content = blake2b(f"{linkage} {points.means.shape}".encode(), digest_size=16)
    for array in (points.means, points.weights, points.cannot_link):
        content.update(np.ascontiguousarray(array).data if array.size else b"-")
    return content.digest()


def _merge_windows(points: WeightedPoints, linkage: Linkage) -> MergeTree:
    """Tree of rows of one window each, by scipy; a cannot-link pair is a huge distance."""
    from scipy.cluster.hierarchy import linkage as scipy_linkage
    from scipy.spatial.distance import squareform

    distances = _distances(points.means, points.weights, linkage)
    if linkage != "average":
        np.sqrt(distances, out=distances)  # scipy squares them again
    first, second = points.cannot_link.T
    distances[first, second] = distances[second, first] = FORBIDDEN
    np.fill_diagonal(distances, 0.0)
    steps = scipy_linkage(squareform(distances, checks=False), linkage)
    pairs, heights = _pair_lowest_rows(steps), steps[:, 2].copy()
    if not np.isfinite(heights).all():  # scipy's root of a square that rounding made negative
        return _merge_rows(points, linkage)
    broken = np.flatnonzero(heights > HIGHEST)
    allowed = int(broken[0]) if len(broken) else len(heights)
    return _merge_forbidden(points, linkage, MergeTree(pairs[:allowed], heights[:allowed]))


def _pair_lowest_rows(steps: NDArray[np.float64]) -> NDArray[np.int64]:
    """Write merges of scipy's clusters as merges of their lowest rows: ``(n - 1, 2)``."""
    count = len(steps) + 1
    lowest = list(range(count))
    pairs = np.empty((count - 1, 2), dtype=np.int64)
    for step, (one, other) in enumerate(steps[:, :2].astype(np.int64).tolist()):
        keep, drop = sorted((lowest[one], lowest[other]))
        pairs[step] = keep, drop
        lowest.append(keep)
    return pairs


def _merge_forbidden(points: WeightedPoints, linkage: Linkage, allowed: MergeTree) -> MergeTree:
    """Go on after the allowed merges with those that break pairs, by distance alone."""
    if len(allowed.pairs) >= points.count - 1:
        return allowed
    labels = _join(allowed.pairs, points.count)
    lowest = np.unique(labels, return_index=True)[1]
    free = replace(points, cannot_link=np.zeros((0, 2), dtype=np.int64))
    rest = _merge_rows(free.merged(labels), linkage)
    # Labels are numbered by lowest row, so lower labels have lower lowest rows.
    pairs = np.concatenate([allowed.pairs, lowest[rest.pairs]])
    heights = np.concatenate([allowed.heights, np.full(len(rest.pairs), np.inf)])
    return MergeTree(pairs, heights)


def _merge_rows(points: WeightedPoints, linkage: Linkage) -> MergeTree:
    """Tree of rows of any weights."""
    if linkage == "centroid":
        return _merge_in_order(points, linkage)
    return _merge_forbidden(points, linkage, _merge_in_chains(points, linkage))


def _merge_in_chains(points: WeightedPoints, linkage: Linkage) -> MergeTree:
    """Merge nearest neighbours, found by following nearest rows (Müllner 2011, figure 3).

    Right for linkages whose unions are no nearer to others than their parts were. Ends where only
    merges are left that break cannot-link pairs.
    """
    clusters = _Clusters(points, linkage)
    distances = clusters.distances
    for row in range(1, points.count):  # rounding must not make a ring of equal neighbours
        distances[row, :row] = distances[:row, row]
    chain: list[int] = []
    waiting = list(range(points.count))[::-1]
    merges: list[tuple[int, int, float]] = []
    while chain or waiting:
        if not chain:
            row = waiting.pop()
            if clusters.gone[row]:
                continue
            chain.append(row)
        row = chain[-1]
        nearest = int(distances[row].argmin())
        if len(chain) > 1 and distances[row, chain[-2]] <= distances[row, nearest]:
            nearest = chain[-2]
        height = float(distances[row, nearest])
        if np.isinf(height):  # and will stay so: no union comes nearer
            chain.pop()
        elif len(chain) > 1 and nearest == chain[-2]:
            del chain[-2:]
            keep, drop = sorted((row, nearest))
            clusters.unite(keep, drop)
            merges.append((keep, drop, height))
            waiting.append(keep)
        else:
            chain.append(nearest)
    return _in_order_of_height(merges, linkage)


def _in_order_of_height(merges: list[tuple[int, int, float]], linkage: Linkage) -> MergeTree:
    """Sort merges, and name each cluster by its lowest row at that time."""
    merges = sorted(merges, key=lambda merge: merge[2])  # stable: parts come before their union
    lowest: dict[int, int] = {}

    def find(row: int) -> int:
        while row in lowest:
            row = lowest[row]
        return row

    pairs = np.empty((len(merges), 2), dtype=np.int64)
    for step, (one, other, _) in enumerate(merges):
        keep, drop = sorted((find(one), find(other)))
        pairs[step] = keep, drop
        lowest[drop] = keep
    heights = np.array([height for _, _, height in merges], dtype=np.float64)
    return MergeTree(pairs, heights if linkage == "average" else np.sqrt(np.maximum(heights, 0.0)))


def _merge_in_order(points: WeightedPoints, linkage: Linkage) -> MergeTree:
    """Merge the closest two of all clusters, one pair after the other."""
    clusters = _Clusters(points, linkage)
    pairs = np.zeros((max(points.count - 1, 0), 2), dtype=np.int64)
    heights = np.full(len(pairs), np.inf)
    constrained = True
    for step in range(len(pairs)):
        keep, drop, height = clusters.closest_pair()
        if constrained and np.isinf(height):
            constrained = False
            clusters.measure()
            keep, drop, _ = clusters.closest_pair()
        pairs[step] = keep, drop
        if constrained:
            heights[step] = height
        clusters.merge(keep, drop)
    if linkage != "average":
        heights = np.sqrt(np.maximum(heights, 0.0))
    return MergeTree(pairs, heights)


class _Clusters:
    """Clusters under agglomeration; each row remembers the row nearest to it.

    After a merge, a row whose nearest has moved away is not searched again at once: what it
    remembers is still a lower bound, so it can wait until no other row is closer (`settled`).
    """

    def __init__(self, points: WeightedPoints, linkage: Linkage) -> None:
        self.linkage = linkage
        self.means, self.weights = points.means.copy(), points.weights.copy()
        self.gone = np.zeros(points.count, dtype=bool)
        self.measure(points.cannot_link)

    def measure(self, cannot_link: NDArray[np.int64] | None = None) -> None:
        """Take all distances anew from the means; those of these pairs are infinite."""
        self.distances = _distances(self.means, self.weights, self.linkage)
        self.distances[self.gone] = self.distances[:, self.gone] = np.inf
        if cannot_link is not None:
            first, second = cannot_link.T
            self.distances[first, second] = self.distances[second, first] = np.inf
        self.nearest = self.distances.argmin(axis=1)
        self.closest = self.distances.min(axis=1)
        self.settled = np.ones(len(self.means), dtype=bool)

    def closest_pair(self) -> tuple[int, int, float]:
        """Lower row, higher row and distance of the two nearest clusters."""
        row = int(self.closest.argmin())
        while not self.settled[row]:
            self._settle(row)
            row = int(self.closest.argmin())
        keep, drop = sorted((row, int(self.nearest[row])))
        return keep, drop, float(self.closest[row])

    def unite(self, keep: int, drop: int) -> NDArray[np.float64]:
        """Let the cluster of one row take in that of another: its new distances ``(n,)``."""
        updated = _update(self.distances, self.weights, keep, drop, self.linkage)
        self.distances[keep] = self.distances[:, keep] = updated
        self.distances[drop] = self.distances[:, drop] = np.inf
        total = self.weights[keep] + self.weights[drop]
        self.means[keep] += self.weights[drop] / total * (self.means[drop] - self.means[keep])
        self.weights[keep] = total
        self.gone[drop] = True
        return updated

    def merge(self, keep: int, drop: int) -> None:
        """Unite two clusters and keep up which rows are nearest."""
        updated = self.unite(keep, drop)
        self.settled &= (self.nearest != keep) & (self.nearest != drop)
        closer = updated <= self.closest
        self.nearest[closer], self.closest[closer] = keep, updated[closer]
        self.settled |= closer
        self._settle(keep)
        self.closest[drop] = np.inf

    def _settle(self, row: int) -> None:
        self.nearest[row] = self.distances[row].argmin()
        self.closest[row] = self.distances[row, self.nearest[row]]
        self.settled[row] = True


def _distances(
    means: NDArray[np.float64], weights: NDArray[np.float64], linkage: Linkage
) -> NDArray[np.float64]:
    """``(n, n)`` distances between clusters, infinite on the diagonal, squared unless average."""
    distances: NDArray[np.float64] = means @ means.T
    if linkage == "average":
        np.subtract(1.0, distances, out=distances)
    else:
        squares = distances.diagonal().copy()
        distances *= -2.0
        distances += squares[:, None]
        distances += squares
        np.maximum(distances, 0.0, out=distances)
    if linkage == "ward":
        distances *= 2.0 * weights[:, None] * weights / (weights[:, None] + weights)
    np.fill_diagonal(distances, np.inf)
    return distances


def _update(
    distances: NDArray[np.float64],
    weights: NDArray[np.float64],
    keep: int,
    drop: int,
    linkage: Linkage,
) -> NDArray[np.float64]:
    """Lance-Williams: ``(n,)`` distances of every row to the union of two."""
    a, b, between = weights[keep], weights[drop], distances[keep, drop]
    if linkage == "ward":
        reach = (a + weights) * distances[keep] + (b + weights) * distances[drop]
        updated: NDArray[np.float64] = (reach - weights * between) / (a + b + weights)
    else:
        updated = (a * distances[keep] + b * distances[drop]) / (a + b)
        if linkage == "centroid":
            updated -= a * b * between / (a + b) ** 2
    return updated
