"""Link the local speakers of all windows into the speakers of the recording."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from diarspk.clustering import Clusterer, centroids
from diarspk.segmentation.local_speakers import LocalSpeakers

__all__ = ["UNBOUNDED", "SpeakerBounds", "link"]

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class SpeakerBounds:
    """What the caller knows of the number of speakers."""

    exact: int | None = None
    fewest: int | None = None
    most: int | None = None

    @property
    def needed(self) -> int:
        """As many speakers must be found at least."""
        return self.exact or self.fewest or 1


UNBOUNDED = SpeakerBounds()


def link(
    local: LocalSpeakers, clusterer: Clusterer, bounds: SpeakerBounds, *, reliable_s: float
) -> Labels:
    """Speaker of every local speaker: ``(windows, speakers)``, -1 for those who do not talk.

    Local speakers with ``reliable_s`` seconds of speech or more are clustered; two of one window
    are never the same person. The others then join the nearest speaker, one each per window.
    """
    labels = np.full(local.seconds.shape, -1, np.int64)
    talking = local.seconds > 0
    if not talking.any():
        return labels
    chosen = talking & (local.seconds >= reliable_s)
    if chosen.sum() < bounds.needed:
        chosen = talking
    windows, speakers = np.nonzero(chosen)
    found = clusterer(
        local.embeddings[windows, speakers],
        num_speakers=bounds.exact,
        min_speakers=bounds.fewest,
        max_speakers=bounds.most,
        durations=local.seconds[windows, speakers],
        cannot_link=_same_window(windows),
    )
    labels[windows, speakers] = found
    _join_rest(local, labels, talking)
    return labels


def _same_window(windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of rows that belong to one window, ``(pairs, 2)``; rows come sorted by window."""
    edges = np.flatnonzero(np.diff(windows, prepend=-1, append=-1))
    pairs = [
        pair
        for first, last in pairwise(edges)
        for pair in combinations(range(int(first), int(last)), 2)
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _join_rest(local: LocalSpeakers, labels: Labels, talking: NDArray[np.bool_]) -> None:
    """Give each unlabelled local speaker the nearest speaker not yet named in its window."""
    rest = talking & (labels < 0)
    if not rest.any():
        return
    named = labels >= 0
    directions = centroids(local.embeddings[named], labels[named])
    for window in np.flatnonzero(rest.any(1)):
        rows = np.flatnonzero(rest[window])
        similarity = local.embeddings[window, rows] @ directions.T  # (rows, speakers)
        taken = labels[window][labels[window] >= 0]
        similarity[:, taken] -= 2.0  # the last resort
        assigned, columns = linear_sum_assignment(-similarity)
        labels[window, rows[assigned]] = columns
        left = np.setdiff1d(np.arange(len(rows)), assigned)
        labels[window, rows[left]] = similarity[left].argmax(1)
