"""Multi-stage clustering for long and for growing sessions (Wang et al. 2022, arXiv 2210.13690).

Few windows go to agglomerative clustering, more to the main clusterer, and many are brought down
to micro-clusters before it. A session that grows holds micro-clusters only, so its memory and the
time of an update do not grow with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.clustering.agglomerative import AgglomerativeClusterer
from diarspk.clustering.clusterer import PartitionClusterer
from diarspk.clustering.clustering import Clustering
from diarspk.clustering.condensing import condense
from diarspk.clustering.partition import number_by_appearance, separate
from diarspk.clustering.problem import Problem, pose, speaker_bounds
from diarspk.clustering.spectral import SpectralClusterer
from diarspk.errors import ArgumentError

__all__ = ["GrowingSession", "MultiStageClusterer"]


@dataclass(frozen=True)
class MultiStageClusterer(PartitionClusterer):
    """Fallback below `fewest_rows`, then the main clusterer on at most `exact_up_to` rows.

    The defaults are the paper's L = 50, U1 = 100 and U2 = 600. Count scores are those of the
    clusterer that decided.

    Attributes
    ----------
    main : PartitionClusterer
        Takes what is between L and U1, and the micro-clusters of what is more.
    fallback : AgglomerativeClusterer
        Takes what is less than L.
    fewest_rows : int
        L.
    most_held : int
        U2: a :class:`GrowingSession` compresses its rows to U1 when it holds more.
    exact_up_to : int
        U1.
    """

    main: PartitionClusterer = field(default_factory=SpectralClusterer)
    fallback: AgglomerativeClusterer = field(default_factory=AgglomerativeClusterer)
    fewest_rows: int = 50
    most_held: int = 600
    exact_up_to: int = field(default=100, kw_only=True)

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        if not 1 <= self.fewest_rows <= self.exact_up_to <= self.most_held:
            raise ArgumentError(
                "`fewest_rows`, `exact_up_to` and `most_held` must rise from 1, got "
                f"{self.fewest_rows}, {self.exact_up_to} and {self.most_held}."
            )

    def partition(self, problem: Problem) -> Clustering:
        """Let the fallback or the main clusterer decide, by the windows behind the rows."""
        few = problem.weights.sum() < self.fewest_rows
        return (self.fallback if few else self.main).partition(problem)

    def start(
        self,
        *,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
    ) -> GrowingSession:
        """Begin a session whose windows come bit by bit."""
        bounds = speaker_bounds(
            np.iinfo(np.int64).max,
            num_speakers=num_speakers,
            min_speakers=min_speakers,
            max_speakers=max_speakers,
        )
        return GrowingSession(self, *bounds)


class GrowingSession:
    """A session whose windows come bit by bit; made by :meth:`MultiStageClusterer.start`.

    Earlier labels may be corrected as more is heard. A speaker keeps the number that most of its
    windows had before (the paper's Hungarian "deflicker"), so numbers may have gaps.

    It holds at most U2 rows, and one whole number for each window.
    """

    def __init__(self, clusterer: MultiStageClusterer, fewest: int, most: int) -> None:
        self.clusterer = clusterer
        self.fewest, self.most = fewest, most
        self._rows: Problem | None = None
        self._membership = np.zeros(0, dtype=np.int64)  # row behind each window
        self._labels = np.zeros(0, dtype=np.int64)

    @property
    def held(self) -> int:
        """Rows that are held at the moment."""
        return 0 if self._rows is None else self._rows.count

    @property
    def labels(self) -> NDArray[np.int64]:
        """Speaker of every window so far, ``(n,)``."""
        return self._labels.copy()

    def add(
        self, embeddings: ArrayLike, *, cannot_link: ArrayLike | None = None
    ) -> NDArray[np.int64]:
        """Take in windows ``(m, dim)`` and label all windows so far.

        Parameters
        ----------
        embeddings : array, shape (m, dim)
        cannot_link : array of int, shape (pairs, 2), optional
            Pairs among these windows, counted from 0.

        Returns
        -------
        NDArray[np.int64], shape (n,)

        Raises
        ------
        ArgumentError
            See :func:`diarspk.clustering.pose`; also if the dimension is not that of the windows
            before.
        """
        fresh = pose(embeddings, cannot_link=cannot_link)
        rows = _append(self._rows, fresh)
        self._membership = np.concatenate(
            [self._membership, rows.count - fresh.count + np.arange(fresh.count)]
        )
        if rows.count > self.clusterer.most_held:
            rows, merged = condense(rows, max(self.clusterer.exact_up_to, self.fewest))
            self._membership = merged[self._membership]
        self._rows = rows
        if rows.count:
            found = self.clusterer.solve(rows.bounded(self.fewest, self.most)).labels
            found = separate(rows, found)
            self._labels = match_labels(found[self._membership], self._labels)
        return self.labels


def match_labels(labels: NDArray[np.int64], earlier: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rename speakers so that as many windows as can keep the label that they had earlier.

    Parameters
    ----------
    labels : NDArray, shape (n,)
    earlier : NDArray, shape (m,), m <= n
        Of the first windows.
    """
    from scipy.optimize import linear_sum_assignment

    labels = number_by_appearance(labels)
    count = int(labels.max()) + 1
    known = int(earlier.max()) + 1 if len(earlier) else 0
    shared = np.zeros((count, max(known, count)))
    np.add.at(shared, (labels[: len(earlier)], earlier), 1.0)
    rows, columns = linear_sum_assignment(-shared)
    names = np.empty(count, dtype=np.int64)
    names[rows] = columns
    unseen = shared.sum(axis=1) == 0
    # A speaker without earlier windows is new: no number that means, or meant, someone else.
    free = np.setdiff1d(np.arange(known, known + 2 * count), names[~unseen])
    names[unseen] = free[: unseen.sum()]
    renamed: NDArray[np.int64] = names[labels]
    return renamed


def _append(rows: Problem | None, fresh: Problem) -> Problem:
    if rows is None:
        return fresh
    if rows.means.shape[1] != fresh.means.shape[1]:
        raise ArgumentError(
            f"`embeddings` must be of shape (m, {rows.means.shape[1]}) as before, "
            f"got shape {fresh.means.shape}."
        )
    total = rows.count + fresh.count
    return Problem(
        np.concatenate([rows.means, fresh.means]),
        np.concatenate([rows.weights, fresh.weights]),
        None,
        1,
        total,
        np.concatenate([rows.cannot_link, fresh.cannot_link + rows.count]),
    )
