"""Where the errors lie: by overlap, length of turns, number of speakers, and at boundaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError
from diarspk.metrics.boundaries import BoundaryErrors, compare_boundaries
from diarspk.metrics.cells import Cells
from diarspk.metrics.comparison import cut_pair, pair_speakers, sum_errors
from diarspk.metrics.components import Components
from diarspk.metrics.conventions import DEFAULT, find_convention
from diarspk.metrics.pairing import Annotations, Pair, Regions, pair_files

__all__ = ["Breakdown", "CountErrors", "break_down"]

TURN_EDGES_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Ends of the classes of turn length, in seconds."""

MOST_AT_ONCE = 3
"""So many speakers at once, and more, are one class of overlap."""


@dataclass(frozen=True)
class CountErrors:
    """Speakers that a hypothesis names in one recording, and the right number."""

    reference: int
    hypothesis: int

    @property
    def difference(self) -> int:
        """Speakers too many; below 0, too few."""
        return self.hypothesis - self.reference


@dataclass(frozen=True)
class Breakdown:
    """Errors in classes; those of ``overlap`` add up to the pooled errors.

    Attributes
    ----------
    overlap : mapping of str to Components
        By how many speakers of the reference talk at once.
    turn_length : mapping of str to Components
        By the length of the reference's turn. A cell's misses and confusions are shared evenly by
        the speakers in it that were not found; false alarms belong to no turn.
    speakers : mapping of str to Components
        By the number of speakers in the recording's reference.
    boundaries : BoundaryErrors
    counts : mapping of str to CountErrors
        By file.
    """

    overlap: Mapping[str, Components]
    turn_length: Mapping[str, Components]
    speakers: Mapping[str, Components]
    boundaries: BoundaryErrors
    counts: Mapping[str, CountErrors]

    @property
    def count_accuracy(self) -> float:
        """Share of files with the right number of speakers; 1 where there is no file."""
        right = [count.difference == 0 for count in self.counts.values()]
        return sum(right) / len(right) if right else 1.0

    @property
    def count_error(self) -> float:
        """Mean distance from the right number of speakers; 0 where there is no file."""
        errors = [abs(count.difference) for count in self.counts.values()]
        return sum(errors) / len(errors) if errors else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON holds it."""
        classes = {
            name: {label: one.as_dict() for label, one in getattr(self, name).items()}
            for name in ("overlap", "turn_length", "speakers")
        }
        return {
            **classes,
            "boundaries": self.boundaries.as_dict(),
            "counts": {name: asdict(count) for name, count in self.counts.items()},
            "count_accuracy": self.count_accuracy,
            "count_error": self.count_error,
        }


def break_down(
    reference: Annotations,
    hypothesis: Annotations,
    uem: Regions | None = None,
    *,
    collar: float = 0.0,
    skip_overlap: bool = False,
    convention: str = DEFAULT.name,
) -> Breakdown:
    """Find where the errors of a diarization lie.

    Parameters and errors are those of :func:`diarspk.metrics.score`, and so are the totals, except
    that a speaker who overlaps with itself counts once.
    """
    if not 0 <= collar < np.inf:
        raise ArgumentError(f"`collar` must be 0 or more seconds, got {collar}")
    rules = find_convention(convention)
    pairing = pair_files(reference, hypothesis, uem, extent=rules.extent)
    classes: dict[str, dict[str, Components]] = {"overlap": {}, "turn_length": {}, "speakers": {}}
    boundaries = BoundaryErrors()
    counts = {}
    for name, pair in pairing.pairs.items():
        cells = cut_pair(pair, rules, collar=collar, skip_overlap=skip_overlap)
        pairs = pair_speakers(cells, rules)
        count = _count(pair)
        counts[name] = count
        _add(classes["overlap"], _by_overlap(cells, pairs))
        _add(classes["turn_length"], _by_turn_length(cells, pairs))
        _add(classes["speakers"], {_plural(count.reference): sum_errors(cells, pairs)})
        boundaries += compare_boundaries(pair, cells, pairs)
    return Breakdown(**classes, boundaries=boundaries, counts=counts)


def _by_overlap(cells: Cells, pairs: NDArray[np.int64]) -> dict[str, Components]:
    at_once = np.minimum(cells.reference.sum(1), MOST_AT_ONCE)
    found = {}
    for count in range(MOST_AT_ONCE + 1):
        name = "no speech" if count == 0 else _plural(count)
        name = f"{name} or more" if count == MOST_AT_ONCE else name
        weights = np.where(at_once == count, cells.scored_durations, 0.0)
        found[name] = sum_errors(cells, pairs, weights)
    return found


def _by_turn_length(cells: Cells, pairs: NDArray[np.int64]) -> dict[str, Components]:
    """Share the misses and confusions of each cell among the speakers who were not found."""
    present, claimed = cells.reference.sum(1), cells.hypothesis.sum(1)
    found = np.zeros_like(cells.reference)
    found[:, pairs[:, 0]] = cells.reference[:, pairs[:, 0]] & cells.hypothesis[:, pairs[:, 1]]
    lost = np.maximum(present - found.sum(1), 1)
    missed = np.maximum(present - claimed, 0) / lost
    confused = (np.minimum(present, claimed) - found.sum(1)) / lost
    totals = np.zeros((len(TURN_EDGES_S) + 1, 3))
    for speaker in range(cells.reference.shape[1]):
        talks = cells.reference[:, speaker]
        of = np.searchsorted(TURN_EDGES_S, _turn_lengths(talks, cells.durations), side="right")
        weights = np.where(talks, cells.scored_durations, 0.0)
        unfound = weights * ~found[:, speaker]
        for column, values in enumerate((weights, unfound * missed, unfound * confused)):
            totals[:, column] += np.bincount(of, values, minlength=len(totals))
    return {
        name: Components(total=total, miss=miss, confusion=confusion)
        for name, (total, miss, confusion) in zip(_length_names(), totals.tolist(), strict=True)
    }


def _turn_lengths(talks: NDArray[np.bool_], durations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length of the turn that each cell belongs to; 0 outside turns."""
    begins = talks & ~np.concatenate([[False], talks[:-1]])
    turn = np.cumsum(begins) * talks  # 0 is no turn
    lengths = np.bincount(turn, durations, minlength=1)
    lengths[0] = 0.0
    per_cell: NDArray[np.float64] = lengths[turn]
    return per_cell


def _length_names() -> list[str]:
    edges = [f"{edge:g}" for edge in TURN_EDGES_S]
    between = [f"{low} to {high} s" for low, high in pairwise(edges)]
    return [f"under {edges[0]} s", *between, f"{edges[-1]} s or more"]


def _count(pair: Pair) -> CountErrors:
    sides = (pair.reference, pair.hypothesis)
    return CountErrors(*(len(side.crop(pair.uem).labels()) for side in sides))


def _plural(count: int) -> str:
    return f"{count} speaker" if count == 1 else f"{count} speakers"


def _add(total: dict[str, Components], more: Mapping[str, Components]) -> None:
    for name, components in more.items():
        total[name] = total.get(name, Components()) + components
