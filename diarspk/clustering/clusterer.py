"""The one signature of every clusterer, and the frame that most of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.clustering.clustering import Clustering, normalize_scores
from diarspk.clustering.condensing import EXACT_WINDOWS, condense
from diarspk.clustering.constraints import tie
from diarspk.clustering.gate import SingleSpeakerGate
from diarspk.clustering.partition import (
    count_clashes,
    meet_bounds,
    number_by_appearance,
    scatter,
    separate,
)
from diarspk.clustering.problem import Problem, pose
from diarspk.errors import ArgumentError

__all__ = ["Clusterer", "PartitionClusterer"]


class Clusterer(Protocol):
    """Embeddings of one session's windows, in time order, to one speaker label each.

    Parameters
    ----------
    embeddings : array, shape (n, dim)
        Any scale: only directions count.
    num_speakers, min_speakers, max_speakers : int, optional
        Exact number and bounds, from 1. Always honoured, and n windows have at most n speakers
        (windows tied by must-link pairs count as one).
    durations : array, shape (n,), optional
        Seconds of speech in each window.
    cannot_link : array of int, shape (m, 2), optional
        Pairs of windows that are different speakers, e.g. local speakers of one segmentation
        window. Respected as far as the bounds allow.
    must_link : array of int, shape (m, 2), optional
        Pairs of windows that are one speaker. Always respected.
    proposals : sequence of int arrays, shape (n,) each
        Labels that other evidence suggests. Clusterers that search from a start may try these too.

    Returns
    -------
    NDArray[np.int64], shape (n,)
        Labels 0..k-1, numbered by first appearance; the same input gives the same labels.

    Raises
    ------
    ArgumentError
        See :func:`diarspk.clustering.pose`; also where pairs contradict each other.
    """

    def __call__(
        self,
        embeddings: ArrayLike,
        *,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        durations: ArrayLike | None = None,
        cannot_link: ArrayLike | None = None,
        must_link: ArrayLike | None = None,
        proposals: Sequence[ArrayLike] = (),
    ) -> NDArray[np.int64]:
        """Label windows by speaker."""
        ...

    def cluster(
        self,
        embeddings: ArrayLike,
        *,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        durations: ArrayLike | None = None,
        cannot_link: ArrayLike | None = None,
        must_link: ArrayLike | None = None,
        proposals: Sequence[ArrayLike] = (),
    ) -> Clustering:
        """Label windows by speaker, and say how much speaks for each number of speakers."""
        ...


@dataclass(frozen=True, kw_only=True)
class PartitionClusterer(ABC):
    """A clusterer that partitions at most `exact_up_to` rows: windows, or micro-clusters of them.

    A subclass says only how rows are partitioned. Checks, micro-clusters for long sessions, the
    bounds on the count, pairs and numbering are here, so they hold for all.

    An exact count is never worse, by :meth:`cost`, than merging or splitting what the clusterer
    finds by itself: both are made, and the better one is taken.

    Attributes
    ----------
    exact_up_to : int
        Most windows that are clustered one by one (more where the minimum count is higher).
    gate : SingleSpeakerGate, optional
        Asked first whether there is more than one speaker.
    """

    exact_up_to: int = EXACT_WINDOWS
    gate: SingleSpeakerGate | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.exact_up_to < 2:
            raise ArgumentError(f"`exact_up_to` must be at least 2, got {self.exact_up_to}.")

    def __call__(
        self,
        embeddings: ArrayLike,
        *,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        durations: ArrayLike | None = None,
        cannot_link: ArrayLike | None = None,
        must_link: ArrayLike | None = None,
        proposals: Sequence[ArrayLike] = (),
    ) -> NDArray[np.int64]:
        """Label windows by speaker; see :class:`Clusterer`."""
        return self.cluster(
            embeddings,
            num_speakers=num_speakers,
            min_speakers=min_speakers,
            max_speakers=max_speakers,
            durations=durations,
            cannot_link=cannot_link,
            must_link=must_link,
            proposals=proposals,
        ).labels

    def cluster(
        self,
        embeddings: ArrayLike,
        *,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        durations: ArrayLike | None = None,
        cannot_link: ArrayLike | None = None,
        must_link: ArrayLike | None = None,
        proposals: Sequence[ArrayLike] = (),
    ) -> Clustering:
        """Label windows and score counts; see :class:`Clusterer`."""
        problem = pose(
            embeddings,
            num_speakers=num_speakers,
            min_speakers=min_speakers,
            max_speakers=max_speakers,
            durations=durations,
            cannot_link=cannot_link,
            proposals=proposals,
        )
        tied, membership = tie(problem, must_link)
        found = self.solve(tied)
        return Clustering(number_by_appearance(found.labels[membership]), found.count_scores)

    def solve(self, problem: Problem) -> Clustering:
        """Partition a problem of any size within its bounds."""
        if problem.most <= 1:
            scores = {1: 1.0} if problem.count else {}
            return Clustering(np.zeros(problem.count, dtype=np.int64), scores)
        condensed, membership = condense(problem, max(self.exact_up_to, problem.fewest))
        found = self._within_bounds(condensed)
        labels = separate(problem, found.labels[membership])
        count = len(np.unique(labels))
        scores = normalize_scores(found.count_scores, problem.fewest, problem.most, count)
        return Clustering(labels, scores)

    @abstractmethod
    def partition(self, problem: Problem) -> Clustering:
        """Labels ``(n,)`` from 0 for a problem of two rows or more that allows two speakers."""

    def propose(self, problem: Problem) -> tuple[Clustering, NDArray[np.int64]]:
        """Partition within the bounds, and as if there were none."""
        return self.partition(problem), self.partition(problem.unbounded()).labels

    def cost(self, problem: Problem, labels: NDArray[np.int64]) -> float:
        """How bad a partition is among those of the same count; see :func:`scatter`."""
        return scatter(problem, labels)

    def _within_bounds(self, problem: Problem) -> Clustering:
        if self.gate is not None and self.gate.holds(problem):
            return Clustering(np.zeros(problem.count, dtype=np.int64), {1: 1.0})
        if problem.fewest < problem.most:
            found = self.partition(problem)
            return Clustering(meet_bounds(problem, found.labels), found.count_scores)
        own, automatic = self.propose(problem)
        candidates = [separate(problem, meet_bounds(problem, x)) for x in (own.labels, automatic)]
        # Python's min keeps the first of equals: the clusterer's own.
        best = min(candidates, key=lambda x: (count_clashes(problem, x), self.cost(problem, x)))
        return Clustering(best, own.count_scores)
