"""Stretches of a session in which the same people talk, in units of 10 ms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Timeline

__all__ = ["UNITS_PER_SECOND", "Activity", "Run", "find_runs", "read_activity"]

UNITS_PER_SECOND = 100
"""Times of trial lists are in units of 10 ms."""


@dataclass(frozen=True, eq=False)
class Activity:
    """Speakers in each 10 ms of a session.

    Attributes
    ----------
    talks : ndarray of bool, ``(units, speakers)``
    speakers : tuple of str
        Names of the columns.
    inside : ndarray of bool, ``(units,)``
        Within the UEM.
    """

    talks: NDArray[np.bool_]
    speakers: tuple[str, ...]
    inside: NDArray[np.bool_]


@dataclass(frozen=True)
class Run:
    """Units ``start`` up to ``end`` in which exactly ``speakers`` talk, as columns; maximal."""

    start: int
    end: int
    speakers: tuple[int, ...]

    @property
    def length(self) -> int:
        """Units of 10 ms."""
        return self.end - self.start


def read_activity(annotation: Annotation, uem: Timeline | None = None) -> Activity:
    """Lay an annotation on units of 10 ms; without a UEM the whole of it counts."""
    speakers = tuple(annotation.labels())
    units = _unit(annotation.get_timeline().extent().end) if speakers else 0
    talks = np.zeros((units, len(speakers)), np.bool_)
    for column, speaker in enumerate(speakers):
        for start, end in annotation.label_timeline(speaker):
            talks[_unit(start) : _unit(end), column] = True
    inside = np.full(units, uem is None)
    for start, end in uem or ():
        inside[_unit(start) : _unit(end)] = True
    return Activity(talks, tuple(map(str, speakers)), inside)


def find_runs(activity: Activity) -> list[Run]:
    """Every maximal run of constant speakers within the UEM, silence included, in order."""
    states = np.concatenate([activity.talks, activity.inside[:, None]], axis=1)
    if not len(states):
        return []
    changes = np.flatnonzero((states[1:] != states[:-1]).any(1)) + 1
    edges: Sequence[int] = [0, *changes.tolist(), len(states)]
    return [
        Run(start, end, tuple(np.flatnonzero(activity.talks[start]).tolist()))
        for start, end in pairwise(edges)
        if activity.inside[start]
    ]


def _unit(seconds: float) -> int:
    return round(seconds * UNITS_PER_SECOND)
