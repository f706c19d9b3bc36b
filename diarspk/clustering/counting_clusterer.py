"""The clusterer that counts: one for short recordings, one for others, and evidence for both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_counts, check_types
from diarspk.clustering.clusterer import Clustering, PartitionClusterer
from diarspk.clustering.clustering_input import ClusteringInput, validate
from diarspk.clustering.count_model import UNWEIGHED, CountModel, CountSigns
from diarspk.clustering.partition import enforce_bounds, separate
from diarspk.clustering.plda_clusterer import PldaClusterer, SegmentedWindows
from diarspk.clustering.speaker_changes import PartPartition, find_cuts, find_joins
from diarspk.clustering.told_count import find_cut_speakers, meet_bounds
from diarspk.clustering.weighted_points import WeightedPoints, number_by_appearance

__all__ = ["CountedPartition", "CountingClusterer"]

Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CountedPartition:
    """What a recording says on its own: a partition, and the evidence for more and for fewer."""

    partition: PartPartition
    signs: CountSigns


@dataclass(frozen=True)
class CountingClusterer:
    """Clusterer that knows how sure the number of speakers is, and meets a number that is told.

    1. The recording is partitioned as if nothing were told: by `short` where there are few windows
       and several people talk to each other. In half a minute of a real meeting nobody has windows
       enough for `long` to tell voices apart that share a microphone, and what speaks against VBx,
       evidence that grows with the length, has not begun.
    2. What could be cut off a speaker, and who could be joined, gives the probability of each
       number (:mod:`diarspk.clustering.count_model`).
    3. Where the caller tells a number that is another, the partition is changed speaker by speaker
       (:mod:`diarspk.clustering.told_count`); nothing is clustered again.

    Attributes
    ----------
    short : PartitionClusterer
    long : PldaClusterer
        Its model of the evidence is used for both.
    max_short : int
        Maximum number of windows that `short` clusters, where there is dialogue or nobody knows.
    counts : CountModel
    """

    use_initial_labels: ClassVar[bool] = False

    short: PartitionClusterer
    long: PldaClusterer
    max_short: int
    counts: CountModel = UNWEIGHED

    def __post_init__(self) -> None:
        """Check the settings."""
        check_types(self, short=PartitionClusterer, long=PldaClusterer, counts=CountModel)
        check_counts(self, "max_short", minimum=0)

    def cluster(self, inputs: ClusteringInput) -> Clustering:
        """Cluster windows; see :class:`diarspk.clustering.Clusterer`.

        `count_scores` are the posterior within the bounds, `count_posterior` is that of the
        recording alone.
        """
        points, membership = validate(inputs)
        if points.count < 2:
            scores = {1: 1.0} if points.count else {}
            return Clustering(np.zeros(len(membership), np.int64), scores, scores)
        found = self.count(points)
        posterior = self.counts.posterior(found.signs)
        labels = number_by_appearance(self._meet(points, found)[membership])
        scores = {
            count: value
            for count, value in posterior.items()
            if points.min_speakers <= count <= points.max_speakers
        }
        total = sum(scores.values())
        scores = {count: value / total for count, value in scores.items()}
        return Clustering(
            labels,
            scores or {int(labels.max()) + 1: 1.0},
            posterior,
            find_cut_speakers(found.partition.window_labels[membership], labels),
        )

    def count(self, points: WeightedPoints) -> CountedPartition:
        """Partition the points as if no number were told, and collect the evidence on it."""
        session, labels = self._solve(points)
        partition = PartPartition.of(session.windows, session.membership, labels)
        model, overlap = self.long.model, self.long.settings.overlap
        return CountedPartition(
            partition,
            CountSigns(
                partition.speakers,
                float(points.weights.sum()) / overlap,
                find_cuts(partition, model),
                find_joins(partition, model),
                points.dialogue,
            ),
        )

    def _solve(self, points: WeightedPoints) -> tuple[SegmentedWindows, Labels]:
        free = points.unbounded()
        if points.weights.sum() <= self.max_short and self.long.may_share_microphone(free):
            labels = self.short.solve(free).labels
            if labels.any() or free.dialogue is None:  # one voice is no dialogue
                return self.long.segment(self.long.without_microphone(free, labels)), labels
        return self.long.solve_session(free)

    def _meet(self, points: WeightedPoints, found: CountedPartition) -> Labels:
        """Change speakers until the bounds are met, and respect pairs as far as they allow."""
        partition = meet_bounds(
            found.partition,
            self.long.model,
            self.counts,
            replace(found.signs, cuts=(), joins=()),
            (points.min_speakers, points.max_speakers),
            points.cannot_link,
        )
        return separate(points, enforce_bounds(points, partition.window_labels))
