"""Agglomerative hierarchical clustering (AHC), cut at a threshold or at a number of speakers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from diarspk.arguments import check_choice, check_numbers
from diarspk.clustering.clusterer import Clustering, PartitionClusterer
from diarspk.clustering.dendrogram import Dendrogram, Linkage, agglomerate
from diarspk.clustering.partition import absorb
from diarspk.clustering.weighted_points import WeightedPoints
from diarspk.errors import ArgumentError

__all__ = ["AgglomerativeClusterer"]

THRESHOLD_SPREAD = 0.1
"""Relative standard deviation of the threshold that the count scores assume."""


@dataclass(frozen=True)
class AgglomerativeClusterer(PartitionClusterer):
    """Agglomerative hierarchical clustering with a distance threshold.

    Count scores: the probability of each count if the threshold is normally distributed around the
    one given, with a tenth of it as standard deviation.

    Attributes
    ----------
    threshold : float
        Maximum distance of a merge: mean cosine distance in [0, 2] for average linkage, Euclidean
        distance between means of unit vectors in [0, 2] for centroid; for Ward see
        :func:`diarspk.clustering.dendrogram.agglomerate`.
    linkage : {"average", "centroid", "ward"}
        Distance between clusters.
    min_duration : float
        Minimum seconds of speech of a speaker: shorter clusters do not count as speakers and are
        merged into the nearest longer one, as far as the bounds allow.
    """

    threshold: float = 0.5
    linkage: Linkage = "average"
    min_duration: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        check_numbers(self, "threshold", "min_duration", minimum=0.0)
        check_choice(self, "linkage", Linkage)

    def partition(self, points: WeightedPoints) -> Clustering:
        """Cut the dendrogram; the longest clusters are the speakers and absorb the others."""
        return self._cut(self._dendrogram(points), points)

    def candidates(self, points: WeightedPoints) -> tuple[Clustering, NDArray[np.int64]]:
        """See :class:`PartitionClusterer`; both are cuts of one dendrogram."""
        dendrogram = self._dendrogram(points)
        return self._cut(dendrogram, points), self._cut(dendrogram, points.unbounded()).labels

    def _dendrogram(self, points: WeightedPoints) -> Dendrogram:
        if self.min_duration > 0 and points.durations is None:
            raise ArgumentError(
                f"`durations` must be given where min_duration={self.min_duration} s is to hold."
            )
        return agglomerate(points, self.linkage)

    def _cut(self, dendrogram: Dendrogram, points: WeightedPoints) -> Clustering:
        large = self._large_clusters(dendrogram, points)
        beyond = np.flatnonzero(dendrogram.heights > self.threshold)
        automatic = int(beyond[0]) if len(beyond) else len(dendrogram.heights)
        speakers = int(np.clip(large[automatic], points.min_speakers, points.max_speakers))
        # Of the cuts with the right number of large clusters, the one closest to the threshold's.
        merges = np.arange(points.count - speakers + 1)
        misfit = np.abs(large[merges] - speakers)
        cut = int(np.lexsort((np.abs(merges - automatic), misfit))[0])
        labels = dendrogram.cut(points.count - cut)
        seconds = np.bincount(labels, points.durations)
        longest = np.argsort(-seconds, kind="stable")[:speakers]
        return Clustering(absorb(points, labels, longest), self._count_scores(dendrogram, large))

    def _count_scores(self, dendrogram: Dendrogram, large: NDArray[np.int64]) -> dict[int, float]:
        """Probability of each count for a normally distributed threshold."""
        heights = np.maximum.accumulate(dendrogram.heights)
        spread = THRESHOLD_SPREAD * max(self.threshold, 1e-9)
        below = np.concatenate([[0.0], ndtr((heights - self.threshold) / spread), [1.0]])
        # The threshold lies below the next merge, and not below the one before.
        probabilities = np.diff(below)
        sums = np.bincount(np.maximum(large, 1), probabilities)
        return {count: float(sums[count]) for count in np.flatnonzero(sums > 0).tolist()}

    def _large_clusters(self, dendrogram: Dendrogram, points: WeightedPoints) -> NDArray[np.int64]:
        """Count the clusters of `min_duration` or more after 0, 1, ... n - 1 merges: ``(n,)``."""
        durations = points.durations
        seconds = np.zeros(points.count) if durations is None else durations.copy()
        gains = [(seconds >= self.min_duration).sum()]
        for low, high in dendrogram.pairs:
            before = (seconds[[low, high]] >= self.min_duration).sum()
            seconds[low] += seconds[high]
            gains.append((seconds[low] >= self.min_duration) - before)
        return np.cumsum(gains, dtype=np.int64)
