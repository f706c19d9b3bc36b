"""Partition of a recording's time into segments in which nobody starts or stops speaking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline

__all__ = ["TimePartition", "count_covering", "match_speakers", "partition_time"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class TimePartition:
    """Segments between neighbouring boundaries, and who speaks in each.

    Attributes
    ----------
    edges : ndarray of float64, ``(segments + 1,)``
        Boundaries in seconds.
    reference, hypothesis : ndarray of bool, ``(segments, speakers)``
        Who speaks.
    reference_labels, hypothesis_labels : tuple of str
        Speakers of the columns.
    uem : ndarray of bool, ``(segments,)``
        Whether the segment is inside the regions to score.
    scored : ndarray of bool, ``(segments,)``
        ``uem`` without the collars, and without overlap where it is skipped.
    """

    edges: NDArray[np.float64]
    reference: Mask
    hypothesis: Mask
    reference_labels: tuple[str, ...]
    hypothesis_labels: tuple[str, ...]
    uem: Mask
    scored: Mask

    @property
    def durations(self) -> NDArray[np.float64]:
        """Seconds of each segment, ``(segments,)``."""
        return np.diff(self.edges)

    @property
    def scored_durations(self) -> NDArray[np.float64]:
        """Seconds of each scored segment, 0 for the others, ``(segments,)``."""
        return np.where(self.scored, self.durations, 0.0)

    def common_time(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Total weight of the segments of two speakers, ``(reference, hypothesis speakers)``."""
        both: NDArray[np.float64] = (self.reference * weights[:, None]).T @ self.hypothesis
        return both


def partition_time(
    reference: Annotation,
    hypothesis: Annotation,
    uem: Timeline,
    *,
    collar: float = 0.0,
    skip_overlap: bool = False,
) -> TimePartition:
    """Partition the time of a recording at every boundary of a turn, a collar, or the UEM.

    Parameters
    ----------
    reference, hypothesis : Annotation
        Turns of one speaker may touch or overlap: they count once.
    uem : Timeline
    collar : float
        Seconds that are not scored on each side of every boundary of a reference turn.
    skip_overlap : bool
        Do not score segments where reference turns overlap, of one speaker or of several.
    """
    turns = list(reference.itersegments())
    collars = [
        Segment(edge - collar, edge + collar) for turn in turns for edge in turn if collar > 0
    ]
    every = [*turns, *hypothesis.itersegments(), *collars, *uem]
    edges = np.unique(np.array([edge for segment in every for edge in segment], np.float64))
    tracks = [segment for segment, _ in reference.itertracks()]
    inside = count_covering(uem, edges) > 0
    scored = inside & (count_covering(collars, edges) == 0)
    if skip_overlap:
        scored &= count_covering(tracks, edges) < 2
    return TimePartition(
        edges=edges,
        reference=_presence(reference, edges),
        hypothesis=_presence(hypothesis, edges),
        reference_labels=tuple(reference.labels()),
        hypothesis_labels=tuple(hypothesis.labels()),
        uem=inside,
        scored=scored,
    )


def count_covering(
    segments: Iterable[Iterable[float]], edges: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Count the turns that cover each segment, ``(segments,)``.

    A turn is its start and its end, which are among the edges.
    """
    bounds = np.array([tuple(segment) for segment in segments], np.float64).reshape(-1, 2)
    steps = np.zeros(max(len(edges), 1), np.int64)
    np.add.at(steps, np.searchsorted(edges, bounds[:, 0]), 1)
    np.add.at(steps, np.searchsorted(edges, bounds[:, 1]), -1)
    return np.cumsum(steps)[:-1]


def match_speakers(common_time: NDArray[np.float64]) -> NDArray[np.int64]:
    """Map speakers one to one so that their common time is maximal (Hungarian algorithm).

    Parameters
    ----------
    common_time : ndarray, ``(reference, hypothesis speakers)``

    Returns
    -------
    ndarray of int64, ``(pairs, 2)``
        Reference and hypothesis speaker; only pairs with common time.
    """
    from scipy.optimize import linear_sum_assignment

    pairs = np.stack(linear_sum_assignment(-common_time), axis=1).astype(np.int64)
    return pairs[common_time[pairs[:, 0], pairs[:, 1]] > 0]


def _presence(annotation: Annotation, edges: NDArray[np.float64]) -> Mask:
    labels = annotation.labels()
    present = np.zeros((max(len(edges) - 1, 0), len(labels)), np.bool_)
    for column, label in enumerate(labels):
        present[:, column] = count_covering(annotation.label_timeline(label, copy=False), edges) > 0
    return present
