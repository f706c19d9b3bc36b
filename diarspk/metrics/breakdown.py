"""Breakdown of errors by overlap, turn length and number of speakers, and boundary errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_flag, check_number
from diarspk.metrics.boundaries import BoundaryErrors, compare_boundaries
from diarspk.metrics.comparison import map_speakers, partition_pair, sum_errors
from diarspk.metrics.conventions import DEFAULT, find_convention
from diarspk.metrics.pairing import Annotations, Pair, Regions, pair_files
from diarspk.metrics.scores import Components
from diarspk.metrics.time_partition import TimePartition

__all__ = ["Breakdown", "CountErrors", "break_down"]

TURN_EDGES_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Boundaries between the classes of turn length, in seconds."""

MAX_OVERLAP = 3
"""The last class of overlap: so many speakers at once, or more."""


@dataclass(frozen=True)
class CountErrors:
    """Number of speakers in the reference and in the hypothesis of one recording."""

    reference: int
    hypothesis: int

    @property
    def difference(self) -> int:
        """Hypothesis minus reference."""
        return self.hypothesis - self.reference


@dataclass(frozen=True)
class Breakdown:
    """Error components by class; those of ``overlap`` add up to the pooled errors.

    Attributes
    ----------
    overlap : mapping of str to Components
        By the number of simultaneous speakers in the reference.
    turn_length : mapping of str to Components
        By the length of the reference turn. Misses and confusions of a segment are divided evenly
        among its speakers that were not found; false alarms belong to no turn.
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
        """Contents of the JSON report."""
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
    """Break down the errors of a diarization by class.

    Parameters, errors and totals are those of :func:`diarspk.metrics.score`, except that a speaker
    who overlaps with itself counts once.
    """
    check_number(collar, "collar", minimum=0)
    check_flag(skip_overlap, "skip_overlap")
    rules = find_convention(convention)
    pairing = pair_files(reference, hypothesis, uem, extent=rules.extent)
    classes: dict[str, dict[str, Components]] = {"overlap": {}, "turn_length": {}, "speakers": {}}
    boundaries = BoundaryErrors()
    counts = {}
    for name, pair in pairing.pairs.items():
        segments = partition_pair(pair, rules, collar=collar, skip_overlap=skip_overlap)
        pairs = map_speakers(segments, rules)
        count = _count(pair)
        counts[name] = count
        _add(classes["overlap"], _by_overlap(segments, pairs))
        _add(classes["turn_length"], _by_turn_length(segments, pairs))
        _add(classes["speakers"], {_plural(count.reference): sum_errors(segments, pairs)})
        boundaries += compare_boundaries(pair, segments, pairs)
    return Breakdown(**classes, boundaries=boundaries, counts=counts)


def _by_overlap(segments: TimePartition, pairs: NDArray[np.int64]) -> dict[str, Components]:
    at_once = np.minimum(segments.reference.sum(1), MAX_OVERLAP)
    found = {}
    for count in range(MAX_OVERLAP + 1):
        name = "no speech" if count == 0 else _plural(count)
        name = f"{name} or more" if count == MAX_OVERLAP else name
        weights = np.where(at_once == count, segments.scored_durations, 0.0)
        found[name] = sum_errors(segments, pairs, weights)
    return found


def _by_turn_length(segments: TimePartition, pairs: NDArray[np.int64]) -> dict[str, Components]:
    """Divide the misses and confusions of each segment among its speakers who were not found."""
    present, claimed = segments.reference.sum(1), segments.hypothesis.sum(1)
    found = np.zeros_like(segments.reference)
    found[:, pairs[:, 0]] = segments.reference[:, pairs[:, 0]] & segments.hypothesis[:, pairs[:, 1]]
    lost = np.maximum(present - found.sum(1), 1)
    missed = np.maximum(present - claimed, 0) / lost
    confused = (np.minimum(present, claimed) - found.sum(1)) / lost
    totals = np.zeros((len(TURN_EDGES_S) + 1, 3))
    for speaker in range(segments.reference.shape[1]):
        talks = segments.reference[:, speaker]
        of = np.searchsorted(TURN_EDGES_S, _turn_lengths(talks, segments.durations), side="right")
        weights = np.where(talks, segments.scored_durations, 0.0)
        unfound = weights * ~found[:, speaker]
        for column, values in enumerate((weights, unfound * missed, unfound * confused)):
            totals[:, column] += np.bincount(of, values, minlength=len(totals))
    return {
        name: Components(total=total, miss=miss, confusion=confusion)
        for name, (total, miss, confusion) in zip(_length_names(), totals.tolist(), strict=True)
    }


def _turn_lengths(talks: NDArray[np.bool_], durations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length of the turn that each segment belongs to; 0 outside turns."""
    begins = talks & ~np.concatenate([[False], talks[:-1]])
    turn = np.cumsum(begins) * talks  # 0 is no turn
    lengths = np.bincount(turn, durations, minlength=1)
    lengths[0] = 0.0
    per_segment: NDArray[np.float64] = lengths[turn]
    return per_segment


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
