"""Precision and recall of turn boundaries, and their offsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation

from diarspk.metrics.pairing import Pair
from diarspk.metrics.time_partition import TimePartition

__all__ = ["TOLERANCE_S", "BoundaryErrors", "compare_boundaries"]

TOLERANCE_S = 0.5
"""Maximum distance, in seconds, between matched boundaries."""


@dataclass(frozen=True)
class BoundaryErrors:
    """Offsets of matched boundaries, and the number of boundaries.

    Starts (and ends) of reference turns are matched one to one with those of the mapped speaker, at
    most `TOLERANCE_S` away, so that the sum of distances is minimal.

    Attributes
    ----------
    reference, hypothesis : int
        Number of boundaries.
    start_offsets, end_offsets : tuple of float
        Hypothesis minus reference, in seconds: negative is early.
    """

    reference: int = 0
    hypothesis: int = 0
    start_offsets: tuple[float, ...] = ()
    end_offsets: tuple[float, ...] = ()

    def __add__(self, other: BoundaryErrors) -> BoundaryErrors:
        return BoundaryErrors(
            self.reference + other.reference,
            self.hypothesis + other.hypothesis,
            self.start_offsets + other.start_offsets,
            self.end_offsets + other.end_offsets,
        )

    @property
    def recall(self) -> float:
        """Share of the reference boundaries that were matched; 1 where there is none."""
        return self._matched / self.reference if self.reference else 1.0

    @property
    def precision(self) -> float:
        """Share of the hypothesis boundaries that were matched; 1 where there is none."""
        return self._matched / self.hypothesis if self.hypothesis else 1.0

    @property
    def mean_start_offset(self) -> float:
        """Mean offset of starts in seconds, negative where early; 0 where none was matched."""
        return float(np.mean(self.start_offsets)) if self.start_offsets else 0.0

    @property
    def mean_end_offset(self) -> float:
        """Mean offset of ends in seconds, negative where early; 0 where none was matched."""
        return float(np.mean(self.end_offsets)) if self.end_offsets else 0.0

    @property
    def median_distance(self) -> float:
        """Median distance of matched boundaries, in seconds; 0 where there is none."""
        offsets = self.start_offsets + self.end_offsets
        return float(np.median(np.abs(offsets))) if offsets else 0.0

    def as_dict(self) -> dict[str, Any]:
        """List counts, shares and seconds for JSON reports, without the single offsets."""
        return {
            "tolerance": TOLERANCE_S,
            "reference": self.reference,
            "hypothesis": self.hypothesis,
            "recall": self.recall,
            "precision": self.precision,
            "mean_start_offset": self.mean_start_offset,
            "mean_end_offset": self.mean_end_offset,
            "median_distance": self.median_distance,
        }

    @property
    def _matched(self) -> int:
        return len(self.start_offsets) + len(self.end_offsets)


def compare_boundaries(
    pair: Pair, segments: TimePartition, pairs: NDArray[np.int64]
) -> BoundaryErrors:
    """Match the boundaries of mapped speakers, within the UEM.

    Parameters
    ----------
    pair : Pair
    segments : TimePartition
        Has the labels of the speakers in ``pairs``.
    pairs : ndarray of int, ``(pairs, 2)``
    """
    references, hypotheses = _bounds(pair.reference, pair), _bounds(pair.hypothesis, pair)
    starts: list[float] = []
    ends: list[float] = []
    for first, second in pairs.tolist():
        reference = references.get(segments.reference_labels[first], np.zeros((0, 2)))
        hypothesis = hypotheses.get(segments.hypothesis_labels[second], np.zeros((0, 2)))
        starts += _offsets(reference[:, 0], hypothesis[:, 0])
        ends += _offsets(reference[:, 1], hypothesis[:, 1])
    return BoundaryErrors(
        reference=sum(bounds.size for bounds in references.values()),
        hypothesis=sum(bounds.size for bounds in hypotheses.values()),
        start_offsets=tuple(starts),
        end_offsets=tuple(ends),
    )


def _bounds(annotation: Annotation, pair: Pair) -> dict[str, NDArray[np.float64]]:
    """List starts and ends of each speaker's turns, ``(turns, 2)``; touching turns are joined."""
    within = annotation.crop(pair.uem)
    return {
        label: np.array([tuple(turn) for turn in within.label_timeline(label).support()])
        for label in within.labels()
    }


def _offsets(reference: NDArray[np.float64], hypothesis: NDArray[np.float64]) -> list[float]:
    """Offsets of the matched pairs: as many pairs as possible, then as close as possible."""
    from scipy.optimize import linear_sum_assignment

    offsets = hypothesis[None] - reference[:, None]
    # The bonus of any pair within the tolerance exceeds all distances that others could save.
    cost = np.where(np.abs(offsets) <= TOLERANCE_S, np.abs(offsets) - 1e3, 0.0)
    rows, columns = linear_sum_assignment(cost)
    near = cost[rows, columns] < 0
    matched: list[float] = offsets[rows[near], columns[near]].tolist()
    return matched
