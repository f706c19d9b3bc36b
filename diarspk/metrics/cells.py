"""Reference and hypothesis cut into cells of time in which nobody starts or stops speaking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline

__all__ = ["Cells", "cut_cells", "match_speakers", "occupancy"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cells:
    """Time between neighbouring boundaries, and who speaks in it.

    Attributes
    ----------
    edges : ndarray of float64, ``(cells + 1,)``
        Seconds; a cell lies between two neighbours.
    reference, hypothesis : ndarray of bool, ``(cells, speakers)``
    reference_labels, hypothesis_labels : tuple of str
        Names of the columns.
    uem : ndarray of bool, ``(cells,)``
        Within the regions to score.
    scored : ndarray of bool, ``(cells,)``
        What collars, and overlap where it is skipped, leave of ``uem``.
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
        """Seconds of each cell, ``(cells,)``."""
        return np.diff(self.edges)

    @property
    def scored_durations(self) -> NDArray[np.float64]:
        """Seconds of each cell that is scored, 0 for the others, ``(cells,)``."""
        return np.where(self.scored, self.durations, 0.0)

    def common_time(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weighted cells in which two speakers talk, ``(reference, hypothesis speakers)``."""
        both: NDArray[np.float64] = (self.reference * weights[:, None]).T @ self.hypothesis
        return both


def cut_cells(
    reference: Annotation,
    hypothesis: Annotation,
    uem: Timeline,
    *,
    collar: float = 0.0,
    skip_overlap: bool = False,
) -> Cells:
    """Cut the time of a recording at every boundary of a turn, a collar, or the UEM.

    Parameters
    ----------
    reference, hypothesis : Annotation
        Turns of one speaker may touch or overlap: the speaker still speaks once.
    uem : Timeline
    collar : float
        Seconds left out on each side of every boundary of a turn of the reference.
    skip_overlap : bool
        Leave out where turns of the reference overlap, be they of one speaker or of two.
    """
    turns = list(reference.itersegments())
    collars = [
        Segment(edge - collar, edge + collar) for turn in turns for edge in turn if collar > 0
    ]
    every = [*turns, *hypothesis.itersegments(), *collars, *uem]
    edges = np.unique(np.array([edge for segment in every for edge in segment], np.float64))
    tracks = [segment for segment, _ in reference.itertracks()]
    inside = occupancy(uem, edges) > 0
    scored = inside & (occupancy(collars, edges) == 0)
    if skip_overlap:
        scored &= occupancy(tracks, edges) < 2
    return Cells(
        edges=edges,
        reference=_presence(reference, edges),
        hypothesis=_presence(hypothesis, edges),
        reference_labels=tuple(reference.labels()),
        hypothesis_labels=tuple(hypothesis.labels()),
        uem=inside,
        scored=scored,
    )


def occupancy(segments: Iterable[Segment], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many segments cover each cell, ``(cells,)``; their ends are among the edges."""
    bounds = np.array([tuple(segment) for segment in segments], np.float64).reshape(-1, 2)
    steps = np.zeros(max(len(edges), 1), np.int64)
    np.add.at(steps, np.searchsorted(edges, bounds[:, 0]), 1)
    np.add.at(steps, np.searchsorted(edges, bounds[:, 1]), -1)
    return np.cumsum(steps)[:-1]


def match_speakers(common_time: NDArray[np.float64]) -> NDArray[np.int64]:
    """Pair speakers so that they talk together as long as possible.

    Parameters
    ----------
    common_time : ndarray, ``(reference, hypothesis speakers)``

    Returns
    -------
    ndarray of int64, ``(pairs, 2)``
        Reference and hypothesis speaker; those who never talk together are no pair.
    """
    from scipy.optimize import linear_sum_assignment

    pairs = np.stack(linear_sum_assignment(-common_time), axis=1).astype(np.int64)
    return pairs[common_time[pairs[:, 0], pairs[:, 1]] > 0]


def _presence(annotation: Annotation, edges: NDArray[np.float64]) -> Mask:
    labels = annotation.labels()
    present = np.zeros((max(len(edges) - 1, 0), len(labels)), np.bool_)
    for column, label in enumerate(labels):
        present[:, column] = occupancy(annotation.label_timeline(label, copy=False), edges) > 0
    return present
