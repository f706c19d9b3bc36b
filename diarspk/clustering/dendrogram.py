"""Dendrogram of agglomerative clustering, for weighted points and cannot-link pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.weighted_points import WeightedPoints

__all__ = ["Dendrogram", "Linkage", "agglomerate"]

Linkage = Literal["average", "centroid", "ward"]

FORBIDDEN = 1e12
"""Distance of a cannot-link pair in scipy, which has no infinity under every linkage."""

MAX_ALLOWED = 1e3
"""Above any height of an allowed merge, below any of a merge that violates a pair."""


@dataclass(frozen=True, eq=False)
class Dendrogram:
    """All n - 1 merges in order; a merged cluster is identified by its lowest row.

    Attributes
    ----------
    pairs : NDArray, shape (n - 1, 2)
        Lowest rows of the two clusters that are merged, lower first.
    heights : NDArray, shape (n - 1,)
        Distance of each merge; infinite from the first merge that violates a cannot-link pair.
    """

    pairs: NDArray[np.int64]
    heights: NDArray[np.float64]

    def cut(self, count: int) -> NDArray[np.int64]:
        """Labels ``(n,)`` of the partition into `count` clusters, numbered by first appearance."""
        total = len(self.pairs) + 1
        return _join(self.pairs[: total - count], total)


def _join(pairs: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Labels ``(total,)`` of the rows after merges."""
    roots = np.arange(total)
    roots[pairs[:, 1]] = pairs[:, 0]
    for row in range(total):  # a root is a lower row, hence final already
        roots[row] = roots[roots[row]]
    labels: NDArray[np.int64] = np.unique(roots, return_inverse=True)[1]
    return labels


def agglomerate(points: WeightedPoints, linkage: Linkage = "average") -> Dendrogram:
    """Merge the two closest clusters until one is left.

    Distances are those of ``scipy.cluster.hierarchy.linkage`` on the windows behind the points:

    - average: mean of 1 - cosine over pairs of windows;
    - centroid: Euclidean distance between means of unit vectors;
    - Ward: sqrt(2 a b / (a + b)) times that, for clusters of a and b windows.

    A cannot-link pair is an infinite distance, which every update keeps infinite; merges that
    violate one come last. Quadratic in memory, and in typical time.

    scipy merges points of one window each. It has neither weights nor infinite distances, so the
    "generic" algorithm of Müllner 2011 (arXiv 1109.2378, section 3.1) merges all others. On points
    of one window both make the same merges, with heights that differ in the last digit; 4,000 take
    0.4 to 0.8 s by scipy and 0.5 to 1.5 s by the generic algorithm, on one core.
    """
    # Finite stand-ins for forbidden distances are no distances between means: no centroid linkage.
    windows = points.count > 2 and bool((points.weights == 1).all())
    if windows and not (linkage == "centroid" and len(points.cannot_link)):
        dendrogram = _merge_windows(points, linkage)
        if np.isfinite(dendrogram.heights).all():
            return _merge_forbidden(points, linkage, dendrogram)
        # Rounding made a square negative inside scipy, whose height is NaN then.
    return _merge_forbidden(points, linkage, _merge_points(points, linkage))


def _merge_windows(points: WeightedPoints, linkage: Linkage) -> Dendrogram:
    """Merge points of one window each by scipy, as far as cannot-link pairs allow."""
    from scipy.cluster.hierarchy import linkage as scipy_linkage
    from scipy.spatial.distance import squareform

    distances = _distances(points.means, points.weights, linkage)
    if linkage != "average":
        np.sqrt(distances, out=distances)  # scipy squares them again
    first, second = points.cannot_link.T
    distances[first, second] = distances[second, first] = FORBIDDEN
    np.fill_diagonal(distances, 0.0)
    steps = scipy_linkage(squareform(distances, checks=False), linkage)
    lowest = list(range(points.count))  # row of each of scipy's clusters
    pairs = np.empty((len(steps), 2), dtype=np.int64)
    for step, (one, other) in enumerate(steps[:, :2].astype(np.int64).tolist()):
        pairs[step] = sorted((lowest[one], lowest[other]))
        lowest.append(int(pairs[step, 0]))
    forbidden = np.flatnonzero(steps[:, 2] > MAX_ALLOWED)
    allowed = int(forbidden[0]) if len(forbidden) else len(steps)
    return Dendrogram(pairs[:allowed], steps[:allowed, 2].copy())


def _merge_forbidden(points: WeightedPoints, linkage: Linkage, allowed: Dendrogram) -> Dendrogram:
    """Append the merges that violate cannot-link pairs, in the order of distance alone."""
    if len(allowed.pairs) >= points.count - 1:
        return allowed
    labels = _join(allowed.pairs, points.count)
    free = replace(points, cannot_link=np.zeros((0, 2), dtype=np.int64))
    rest = _merge_points(free.merged(labels), linkage)
    # Labels are numbered by lowest row, so lower labels have lower lowest rows.
    lowest = np.unique(labels, return_index=True)[1]
    pairs = np.concatenate([allowed.pairs, lowest[rest.pairs]])
    heights = np.concatenate([allowed.heights, np.full(len(rest.pairs), np.inf)])
    return Dendrogram(pairs, heights)


def _merge_points(points: WeightedPoints, linkage: Linkage) -> Dendrogram:
    """Merge points of any weights, always the two closest clusters, as far as pairs allow."""
    clusters = _Clusters(points, linkage)
    merges: list[tuple[int, int]] = []
    heights: list[float] = []
    while len(merges) < points.count - 1:
        low, high, height = clusters.closest_pair()
        if np.isinf(height):  # only merges that violate cannot-link pairs are left
            break
        merges.append((low, high))
        heights.append(height)
        clusters.merge(low, high)
    distances = np.array(heights, dtype=np.float64)
    if linkage != "average":
        distances = np.sqrt(np.maximum(distances, 0.0))
    return Dendrogram(np.array(merges, dtype=np.int64).reshape(-1, 2), distances)


class _Clusters:
    """Clusters under agglomeration; each row stores its nearest row.

    After a merge, a row whose nearest row has changed is not searched again at once: the distance
    that it stores is still a lower bound, so the search waits until no other row is closer.
    """

    def __init__(self, points: WeightedPoints, linkage: Linkage) -> None:
        self.linkage = linkage
        self.weights = points.weights.copy()
        self.distances = _distances(points.means, points.weights, linkage)
        first, second = points.cannot_link.T
        self.distances[first, second] = self.distances[second, first] = np.inf
        self.nearest = self.distances.argmin(axis=1)
        self.closest = self.distances.min(axis=1)
        self.exact = np.ones(points.count, dtype=bool)  # whether `nearest` is up to date

    def closest_pair(self) -> tuple[int, int, float]:
        """Lower row, higher row and distance of the two closest clusters."""
        row = int(self.closest.argmin())
        while not self.exact[row]:
            self._search(row)
            row = int(self.closest.argmin())
        low, high = sorted((row, int(self.nearest[row])))
        return low, high, float(self.closest[row])

    def merge(self, low: int, high: int) -> None:
        """Merge the cluster of row `high` into that of row `low`."""
        updated = _update(self.distances, self.weights, low, high, self.linkage)
        self.distances[low] = self.distances[:, low] = updated
        self.distances[high] = self.distances[:, high] = np.inf
        self.weights[low] += self.weights[high]
        self.exact &= (self.nearest != low) & (self.nearest != high)
        closer = updated <= self.closest
        self.nearest[closer], self.closest[closer] = low, updated[closer]
        self.exact |= closer
        self._search(low)
        self.closest[high] = np.inf

    def _search(self, row: int) -> None:
        self.nearest[row] = self.distances[row].argmin()
        self.closest[row] = self.distances[row, self.nearest[row]]
        self.exact[row] = True


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
    low: int,
    high: int,
    linkage: Linkage,
) -> NDArray[np.float64]:
    """Lance-Williams update: ``(n,)`` distances of every row to the union of two clusters."""
    a, b, between = weights[low], weights[high], distances[low, high]
    if linkage == "ward":
        reach = (a + weights) * distances[low] + (b + weights) * distances[high]
        updated: NDArray[np.float64] = (reach - weights * between) / (a + b + weights)
    else:
        updated = (a * distances[low] + b * distances[high]) / (a + b)
        if linkage == "centroid":
            updated -= a * b * between / (a + b) ** 2
    return updated
