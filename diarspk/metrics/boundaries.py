"""How well a hypothesis places the starts and ends of turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation

from diarspk.metrics.cells import Cells
from diarspk.metrics.pairing import Pair

__all__ = ["TOLERANCE_S", "BoundaryErrors", "compare_boundaries"]

TOLERANCE_S = 0.5
"""A boundary of the hypothesis farther away, in seconds, is none of this one."""


@dataclass(frozen=True)
class BoundaryErrors:
    """Offsets of boundaries that were found, and how many there are.

    Each start (or end) of a reference turn is paired with one start (or end) of the speaker mapped
    to it, at most `TOLERANCE_S` away, so that the offsets' sum is the least.

    Attributes
    ----------
    reference, hypothesis : int
        Boundaries on each side.
    start_offsets, end_offsets : tuple of float
        Hypothesis minus reference, in seconds: below 0 is early.
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
        """Share of the reference's boundaries that were found; 1 where there is none."""
        return self._found / self.reference if self.reference else 1.0

    @property
    def precision(self) -> float:
        """Share of the hypothesis's boundaries that are one of the reference; 1 for none."""
        return self._found / self.hypothesis if self.hypothesis else 1.0

    @property
    def mean_start_offset(self) -> float:
        """Seconds; below 0 where turns begin early, 0 where no start was found."""
        return float(np.mean(self.start_offsets)) if self.start_offsets else 0.0

    @property
    def mean_end_offset(self) -> float:
        """Seconds; below 0 where turns end early, 0 where no end was found."""
        return float(np.mean(self.end_offsets)) if self.end_offsets else 0.0

    @property
    def median_distance(self) -> float:
        """Median distance of the boundaries found, in seconds; 0 where there is none."""
        offsets = self.start_offsets + self.end_offsets
        return float(np.median(np.abs(offsets))) if offsets else 0.0

    def as_dict(self) -> dict[str, Any]:
        """List counts, shares and seconds as JSON holds them, without the single offsets."""
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
    def _found(self) -> int:
        return len(self.start_offsets) + len(self.end_offsets)


def compare_boundaries(pair: Pair, cells: Cells, pairs: NDArray[np.int64]) -> BoundaryErrors:
    """Compare the turns of speakers who were matched, within the UEM.

    Parameters
    ----------
    pair : Pair
    cells : Cells
        Name the speakers that ``pairs`` counts.
    pairs : ndarray of int, ``(pairs, 2)``
    """
    references, hypotheses = _bounds(pair.reference, pair), _bounds(pair.hypothesis, pair)
    starts: list[float] = []
    ends: list[float] = []
    for first, second in pairs.tolist():
        here = references.get(cells.reference_labels[first], np.zeros((0, 2)))
        there = hypotheses.get(cells.hypothesis_labels[second], np.zeros((0, 2)))
        starts += _offsets(here[:, 0], there[:, 0])
        ends += _offsets(here[:, 1], there[:, 1])
    return BoundaryErrors(
        reference=sum(bounds.size for bounds in references.values()),
        hypothesis=sum(bounds.size for bounds in hypotheses.values()),
        start_offsets=tuple(starts),
        end_offsets=tuple(ends),
    )


def _bounds(annotation: Annotation, pair: Pair) -> dict[str, NDArray[np.float64]]:
    """List starts and ends of each speaker's turns, ``(turns, 2)``; turns that meet are one."""
    within = annotation.crop(pair.uem)
    return {
        label: np.array([tuple(turn) for turn in within.label_timeline(label).support()])
        for label in within.labels()
    }


def _offsets(here: NDArray[np.float64], there: NDArray[np.float64]) -> list[float]:
    """Offsets of the pairs within the tolerance; as many pairs, as close, as can be."""
    from scipy.optimize import linear_sum_assignment

    offsets = there[None] - here[:, None]
    # Any pair within the tolerance is worth more than all that the others could save.
    cost = np.where(np.abs(offsets) <= TOLERANCE_S, np.abs(offsets) - 1e3, 0.0)
    rows, columns = linear_sum_assignment(cost)
    near = cost[rows, columns] < 0
    found: list[float] = offsets[rows[near], columns[near]].tolist()
    return found
