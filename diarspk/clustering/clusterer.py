"""Interface of clusterers, their result, and the base class that enforces the constraints."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.arguments import check_counts, check_numbers, check_types
from diarspk.clustering.clustering_input import ClusteringInput, validate
from diarspk.clustering.partition import (
    EXACT_WINDOWS,
    condense,
    count_violations,
    enforce_bounds,
    scatter,
    separate,
)
from diarspk.clustering.speaker_bounds import SpeakerBounds
from diarspk.clustering.weighted_points import WeightedPoints, number_by_appearance

__all__ = ["Clusterer", "Clustering", "PartitionClusterer", "SingleSpeakerTest"]


@dataclass(frozen=True, eq=False)
class Clustering:
    """Labels of the windows and scores of the speaker counts.

    Attributes
    ----------
    labels : NDArray[np.int64], shape (n,)
        Speaker of each window.
    count_scores : mapping of int to float
        Score in [0, 1] of each number of speakers that the bounds allow and the clusterer
        considered; they sum to 1. Each clusterer documents what its scores are; they are not
        calibrated against recordings, but for those of
        :class:`diarspk.clustering.CountingClusterer`.
    count_posterior : mapping of int to float
        Probability of each number of people by the recording alone, whatever the caller tells;
        empty where the clusterer knows none.
    cut_from : mapping of int to int
        Speakers who are there because so many were asked for, and whom each was cut off.
    """

    labels: NDArray[np.int64]
    count_scores: Mapping[int, float] = field(default_factory=dict)
    count_posterior: Mapping[int, float] = field(default_factory=dict)
    cut_from: Mapping[int, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        scores = {count: round(score, 3) for count, score in self.count_scores.items()}
        speakers = len(np.unique(self.labels))
        return f"Clustering({len(self.labels)} windows, {speakers} speakers, count_scores={scores})"


class Clusterer(Protocol):
    """Assignment of a session's windows to speakers."""

    def cluster(self, inputs: ClusteringInput) -> Clustering:
        """Label windows by speaker, and score each candidate number of speakers.

        Returns
        -------
        Clustering
            Labels 0..k-1, numbered by first appearance; the same input gives the same labels.

        Raises
        ------
        ArgumentError
            See :func:`diarspk.clustering.clustering_input.validate`.
        """
        ...


@dataclass(frozen=True)
class SingleSpeakerTest:
    """Single-speaker test: nearly all windows are similar to the mean of all.

    Attributes
    ----------
    similarity : float
        Minimum cosine between a window and the mean of all windows.
    share : float
        Share of the windows that must reach it, so that a few noisy windows do not matter.
    """

    similarity: float = 0.5
    share: float = 0.95

    def __post_init__(self) -> None:
        """Check the settings."""
        check_numbers(self, "similarity", minimum=-1.0, maximum=1.0)
        check_numbers(self, "share", above=0.0, maximum=1.0)

    def holds(self, points: WeightedPoints) -> bool:
        """Whether all points are of one speaker; False where the bounds require more."""
        if points.min_speakers > 1:
            return False
        mean = points.weights @ points.means
        norm = float(np.linalg.norm(mean))
        if norm == 0:
            return False
        # Means of several windows are shorter than 1, since their windows differ.
        lengths = np.maximum(np.linalg.norm(points.means, axis=1), 1e-12)
        near = points.means @ (mean / norm) / lengths >= self.similarity
        return bool(points.weights[near].sum() >= self.share * points.weights.sum())


@dataclass(frozen=True, kw_only=True)
class PartitionClusterer(ABC):
    """Base class of clusterers: a subclass only partitions weighted points.

    Validation, micro-clusters for long sessions, bounds on the count, must-link and cannot-link
    pairs and numbering are implemented here, so they hold for every subclass.

    An exact count is never worse, by :meth:`cost`, than merging or splitting the partition without
    bounds: both are computed, and the one with the lower cost is returned.

    Attributes
    ----------
    exact_up_to : int
        Maximum number of windows that are clustered one by one; longer sessions are reduced to so
        many micro-clusters (more where the minimum number of speakers is higher).
    single_speaker_test : SingleSpeakerTest, optional
        Applied before the partition.
    """

    exact_up_to: int = EXACT_WINDOWS
    single_speaker_test: SingleSpeakerTest | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        check_counts(self, "exact_up_to", minimum=2)
        check_types(self, single_speaker_test=SingleSpeakerTest | None)

    def __call__(
        self,
        embeddings: ArrayLike,
        *,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        durations: ArrayLike | None = None,
        must_link: ArrayLike | None = None,
        cannot_link: ArrayLike | None = None,
        initial_labels: Sequence[ArrayLike] = (),
    ) -> NDArray[np.int64]:
        """Label windows by speaker: :meth:`cluster` with its input as keywords.

        Returns
        -------
        NDArray[np.int64], shape (n,)
        """
        inputs = ClusteringInput(
            embeddings,
            bounds=SpeakerBounds(num_speakers, min_speakers, max_speakers),
            durations=durations,
            must_link=must_link,
            cannot_link=cannot_link,
            initial_labels=initial_labels,
        )
        return self.cluster(inputs).labels

    def cluster(self, inputs: ClusteringInput) -> Clustering:
        """Label windows and score counts; see :class:`Clusterer`."""
        points, membership = validate(inputs)
        found = self.solve(points)
        return Clustering(number_by_appearance(found.labels[membership]), found.count_scores)

    def solve(self, points: WeightedPoints) -> Clustering:
        """Partition any number of points within their bounds."""
        if points.max_speakers <= 1:
            scores = {1: 1.0} if points.count else {}
            return Clustering(np.zeros(points.count, dtype=np.int64), scores)
        condensed, membership = condense(points, max(self.exact_up_to, points.min_speakers))
        found = self._within_bounds(condensed)
        labels = separate(points, found.labels[membership])
        scores = _normalize_scores(
            found.count_scores, points.min_speakers, points.max_speakers, len(np.unique(labels))
        )
        return Clustering(labels, scores)

    @abstractmethod
    def partition(self, points: WeightedPoints) -> Clustering:
        """Labels ``(n,)`` from 0 of two points or more whose bounds allow two speakers."""

    def candidates(self, points: WeightedPoints) -> tuple[Clustering, NDArray[np.int64]]:
        """Partition within the bounds, and labels of the partition without bounds."""
        return self.partition(points), self.partition(points.unbounded()).labels

    def cost(self, points: WeightedPoints, labels: NDArray[np.int64]) -> float:
        """Cost by which partitions of the same count compare. Default: :func:`scatter`."""
        return scatter(points, labels)

    def _within_bounds(self, points: WeightedPoints) -> Clustering:
        if self.single_speaker_test is not None and self.single_speaker_test.holds(points):
            return Clustering(np.zeros(points.count, dtype=np.int64), {1: 1.0})
        if points.min_speakers < points.max_speakers:
            found = self.partition(points)
            return Clustering(enforce_bounds(points, found.labels), found.count_scores)
        own, unbounded = self.candidates(points)
        met = [separate(points, enforce_bounds(points, x)) for x in (own.labels, unbounded)]
        # Python's min returns the first of equals: the clusterer's own.
        best = min(met, key=lambda x: (count_violations(points, x), self.cost(points, x)))
        return Clustering(best, own.count_scores)


def _normalize_scores(
    scores: Mapping[int, float], min_speakers: int, max_speakers: int, found: int
) -> dict[int, float]:
    """Scores of the allowed counts, scaled to sum to 1; all to `found` where none is positive."""
    allowed = {
        count: float(score)
        for count, score in sorted(scores.items())
        if min_speakers <= count <= max_speakers and score > 0
    }
    total = sum(allowed.values())
    if not total > 0:
        return {found: 1.0}
    return {count: score / total for count, score in allowed.items()}
