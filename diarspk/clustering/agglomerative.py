"""Agglomerative clustering, cut at a distance or at a number of speakers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.clusterer import PartitionClusterer
from diarspk.clustering.partition import absorb
from diarspk.clustering.problem import Problem
from diarspk.clustering.tree import Linkage, MergeTree, merge_tree
from diarspk.errors import ArgumentError

__all__ = ["AgglomerativeClusterer"]


@dataclass(frozen=True)
class AgglomerativeClusterer(PartitionClusterer):
    """Merge the closest clusters until they are farther apart than a threshold.

    Attributes
    ----------
    threshold : float
        Distance up to which clusters merge. Average linkage: mean cosine distance, in [0, 2];
        centroid: Euclidean distance between means of unit vectors, in [0, 2]; Ward: see
        :func:`diarspk.clustering.tree.merge_tree`.
    linkage : {"average", "centroid", "ward"}
        Distance between clusters.
    min_duration : float
        A speaker has at least this many seconds in all: clusters that have less neither count as
        speakers nor stay, but join the nearest that has, as far as the bounds allow.
    """

    threshold: float = 0.5
    linkage: Linkage = "average"
    min_duration: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        if not self.threshold >= 0:
            raise ArgumentError(f"`threshold` must be at least 0, got {self.threshold}.")
        if self.linkage not in get_args(Linkage):
            known = ", ".join(get_args(Linkage))
            raise ArgumentError(f"`linkage` must be one of {known}, got {self.linkage!r}.")
        if not self.min_duration >= 0:
            raise ArgumentError(f"`min_duration` must be at least 0 s, got {self.min_duration}.")

    def partition(self, problem: Problem) -> NDArray[np.int64]:
        """Cut the tree, keep the longest clusters and let them absorb the others."""
        if self.min_duration > 0 and problem.durations is None:
            raise ArgumentError(
                f"`durations` must be given where min_duration={self.min_duration} s is to hold."
            )
        tree = merge_tree(problem, self.linkage)
        large = self._large_clusters(tree, problem)
        beyond = np.flatnonzero(tree.heights > self.threshold)
        automatic = int(beyond[0]) if len(beyond) else len(tree.heights)
        speakers = int(np.clip(large[automatic], problem.fewest, problem.most))
        # Of the cuts with the right number of large clusters, the one closest to the threshold's.
        merges = np.arange(problem.count - speakers + 1)
        misfit = np.abs(large[merges] - speakers)
        cut = int(np.lexsort((np.abs(merges - automatic), misfit))[0])
        labels = tree.cut(problem.count - cut)
        seconds = np.bincount(labels, problem.durations)
        return absorb(problem, labels, np.argsort(-seconds, kind="stable")[:speakers])

    def _large_clusters(self, tree: MergeTree, problem: Problem) -> NDArray[np.int64]:
        """Count the clusters of `min_duration` or more after 0, 1, ... n - 1 merges: ``(n,)``."""
        durations = problem.durations
        seconds = np.zeros(problem.count) if durations is None else durations.copy()
        gains = [(seconds >= self.min_duration).sum()]
        for keep, drop in tree.pairs:
            before = (seconds[[keep, drop]] >= self.min_duration).sum()
            seconds[keep] += seconds[drop]
            gains.append((seconds[keep] >= self.min_duration) - before)
        return np.cumsum(gains, dtype=np.int64)
