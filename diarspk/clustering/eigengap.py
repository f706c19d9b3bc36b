"""NME-SC: auto-tuning spectral clustering by the normalized maximum eigengap."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.agglomerative import AgglomerativeClusterer
from diarspk.clustering.clusterer import Clustering, PartitionClusterer
from diarspk.clustering.spectral import MIN_ROWS
from diarspk.clustering.weighted_points import WeightedPoints
from diarspk.embeddings.unit_vectors import normalize_rows

__all__ = ["EigengapClusterer"]


@dataclass(frozen=True)
class EigengapClusterer(PartitionClusterer):
    """Normalized maximum eigengap spectral clustering, NME-SC (Park et al. 2019, arXiv 2003.02405).

    The affinity matrix is binarized to the p nearest neighbours of each row; of the p tried, the
    one with the smallest (p / n) / g is chosen, where g is the largest gap between successive
    eigenvalues of the Laplacian divided by its largest eigenvalue. The position of that gap is the
    number of speakers. Only gaps that the bounds allow are compared. Count scores: each gap's share
    of the sum of all.

    Attributes
    ----------
    trials : int
        Number of values of p, evenly spaced from 1 to `max_neighbour_share` of the rows.
    max_neighbour_share : float
        Maximum of p / n.
    default_max_speakers : int
        Maximum number of speakers where the caller gives none; at most half the rows, unless the
        minimum is higher.
    fallback : AgglomerativeClusterer
        For sessions of fewer than six windows, and for those without an eigengap.
    exact_up_to : int
        As for every clusterer; time grows with its cube.
    """

    trials: int = 20
    max_neighbour_share: float = 0.25
    default_max_speakers: int = 8
    fallback: AgglomerativeClusterer = field(default_factory=AgglomerativeClusterer)
    exact_up_to: int = field(default=1000, kw_only=True)

    def partition(self, points: WeightedPoints) -> Clustering:
        """Tune p, estimate the count, then k-means on so many eigenvectors."""
        if points.count < MIN_ROWS:
            return self.fallback.partition(points)
        best, graph, gaps = np.inf, None, np.zeros(0)
        for neighbours, laplacian in self._laplacians(points):
            found = self._gaps(laplacian, points)
            score = neighbours / points.count / found.max() if found.any() else np.inf
            if score < best:
                best, graph, gaps = score, laplacian, found
        if graph is None:
            return self.fallback.partition(points)
        scores = {points.min_speakers + rank: float(gap) for rank, gap in enumerate(gaps)}
        speakers = points.min_speakers + int(gaps.argmax())
        return Clustering(_cluster_eigenvectors(graph, speakers), scores)

    def _laplacians(self, points: WeightedPoints) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Each p with the unnormalized Laplacian of its binarized, symmetrized affinity."""
        means = normalize_rows(points.means)  # windows joined by must-link pairs may cancel out
        affinity = (means @ means.T).round(12)  # equals rank by position, not by rounding errors
        first, second = points.cannot_link.T
        affinity[first, second] = affinity[second, first] = -1.0
        order = np.argsort(-affinity, axis=1, kind="stable")
        highest = max(2, int(self.max_neighbour_share * points.count))
        for neighbours in np.unique(np.linspace(1, highest, self.trials).round().astype(int)):
            binary = np.zeros_like(affinity)
            np.put_along_axis(binary, order[:, :neighbours], 1.0, axis=1)
            graph = (binary + binary.T) / 2
            yield int(neighbours), np.diag(graph.sum(axis=1)) - graph

    def _gaps(self, laplacian: NDArray[np.float64], points: WeightedPoints) -> NDArray[np.float64]:
        """Compute the normalized gaps of the allowed counts; a single 0 where there is none."""
        from scipy.linalg import eigvalsh

        values = eigvalsh(laplacian, driver="evd")
        # The largest gaps of a graph with hubs lie at the top of its spectrum, far from any count.
        highest = min(points.limit(self.default_max_speakers), points.count // 2)
        gaps = np.diff(values)[points.min_speakers - 1 : max(highest, points.min_speakers)]
        # A gap at the level of rounding is none: the graph has fallen apart into more pieces.
        if not len(gaps) or gaps.max() <= 1e-9 * max(values[-1], 1.0):
            return np.zeros(1)
        normalized: NDArray[np.float64] = np.maximum(gaps, 0.0) / values[-1]
        return normalized


def _cluster_eigenvectors(laplacian: NDArray[np.float64], speakers: int) -> NDArray[np.int64]:
    """K-means on the eigenvectors of the lowest eigenvalues."""
    from scipy.linalg import eigh
    from sklearn.cluster import KMeans

    vectors = eigh(laplacian, driver="evd")[1][:, :speakers]  # that of subsets can fail on ties
    with warnings.catch_warnings():
        # Fewer distinct rows than speakers: the base class corrects the count.
        warnings.simplefilter("ignore")
        labels = KMeans(speakers, n_init=10, random_state=0).fit_predict(vectors)
    return np.asarray(labels, dtype=np.int64)
