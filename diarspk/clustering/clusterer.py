"""The one signature of every clusterer, and the frame that most of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.clustering.condensing import BLOCK_WINDOWS, condense
from diarspk.clustering.partition import meet_bounds, number_by_appearance, separate
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
        Exact number and bounds, from 1. Always honoured, and n windows have at most n speakers.
    durations : array, shape (n,), optional
        Seconds of speech in each window.
    cannot_link : array of int, shape (m, 2), optional
        Pairs of windows that are different speakers, e.g. local speakers of one segmentation
        window. Respected as far as the bounds allow.

    Returns
    -------
    NDArray[np.int64], shape (n,)
        Labels 0..k-1, numbered by first appearance; the same input gives the same labels.

    Raises
    ------
    ArgumentError
        See :func:`diarspk.clustering.pose`.
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
    ) -> NDArray[np.int64]:
        """Label windows by speaker."""
        ...


@dataclass(frozen=True, kw_only=True)
class PartitionClusterer(ABC):
    """A clusterer that partitions at most `exact_up_to` rows: windows, or micro-clusters of them.

    A subclass says only how rows are partitioned. Checks, micro-clusters for long sessions, the
    bounds on the count, cannot-link pairs and numbering are here, so they hold for all.

    Attributes
    ----------
    exact_up_to : int
        Most windows that are clustered one by one (more where the minimum count is higher).
    """

    exact_up_to: int = BLOCK_WINDOWS

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
    ) -> NDArray[np.int64]:
        """Label windows by speaker; see :class:`Clusterer`."""
        problem = pose(
            embeddings,
            num_speakers=num_speakers,
            min_speakers=min_speakers,
            max_speakers=max_speakers,
            durations=durations,
            cannot_link=cannot_link,
        )
        if problem.most <= 1:
            return np.zeros(problem.count, dtype=np.int64)
        condensed, membership = condense(problem, max(self.exact_up_to, problem.fewest))
        labels = meet_bounds(condensed, self.partition(condensed))
        return number_by_appearance(separate(problem, labels[membership]))

    @abstractmethod
    def partition(self, problem: Problem) -> NDArray[np.int64]:
        """Labels ``(n,)`` from 0 for a problem of two rows or more that allows two speakers."""
