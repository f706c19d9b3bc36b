"""Trials inside one session, by the rules that the published lists follow.

The segment under test comes first; the second is always a single speaker's. Both are 1.5 s long,
without silence, and of one session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Timeline

from diarspk.errors import ArgumentError
from eval.intra_session.runs import Activity, Run, find_runs, read_activity

__all__ = ["Crop", "Trial", "TrialRules", "build_lists"]

OVERLAP_LOW, OVERLAP_HIGH, CHANGE, CLEAN = (
    "overlap_1_49",
    "overlap_50_100",
    "speaker_change",
    "clean",
)


@dataclass(frozen=True, order=True)
class Crop:
    """A part of a session, in units of 10 ms."""

    session: str
    start: int
    end: int


@dataclass(frozen=True, order=True)
class Trial:
    """A question: does the main speaker of ``test`` speak in ``enrolment``."""

    target: bool
    test: Crop
    enrolment: Crop


@dataclass(frozen=True)
class TrialRules:
    """Rules that the published lists leave open, and the length of segments.

    Attributes
    ----------
    length : int
        Of a segment, in units of 10 ms.
    ties : {"drop", "either"}
        Where both speakers of a segment talk equally long (always so at 100 % overlap) either
        could be the main one: leave the segment out, or take both for targets.
    with_secondary : bool
        Clean crops of the segment's second speaker are non-target trials. Without it, as in the
        published lists, they are left out, and sessions of two people have no non-target trial
        but in the clean list.
    shortest_overlap : int
        Overlap runs of fewer units have no segment of their own. Not stated with the published
        lists but inferred: with 0.6 s VoxConverse dev has 666 and 646 anchors in the two overlap
        lists (ties "either"), where those published for VoxConverse test have 735 and 610; with
        none it has 1,809 and 671.
    seed : int
        Sessions are drawn from on their own: adding one leaves the trials of the others.
    """

    length: int = 150
    ties: Literal["drop", "either"] = "drop"
    with_secondary: bool = False
    shortest_overlap: int = 60
    seed: int = 0

    def __post_init__(self) -> None:
        if self.length < 2:
            raise ArgumentError(f"`length` must be at least 2 units of 10 ms, got {self.length}")
        if self.ties not in ("drop", "either"):
            raise ArgumentError(f"`ties` must be drop or either, got {self.ties!r}")


@dataclass(frozen=True)
class _Anchor:
    """A segment of two speakers, and those who may be its main speaker."""

    crop: Crop
    speakers: tuple[int, int]
    main: tuple[int, ...]


def build_lists(
    references: Mapping[str, Annotation],
    uems: Mapping[str, Timeline] | None = None,
    rules: TrialRules | None = None,
) -> dict[str, list[Trial]]:
    """Build the five lists of a data set.

    Parameters
    ----------
    references : mapping of str to Annotation
        By session; turns are rounded to 10 ms.
    uems : mapping of str to Timeline, optional
        Nothing outside is drawn; a session that is not named is used whole.
    rules : TrialRules, optional

    Returns
    -------
    dict of str to list of Trial
        ``clean``: every pair of clean crops, one crop for each run of a single speaker that is
        longer than a segment. ``overlap_1_49``, ``overlap_50_100``: one segment at a random place
        for each run of two speakers at once, in the list that its share of overlap belongs to
        (50 % is in the first), against every clean crop of its main speaker (target) and of third
        speakers (non-target). ``speaker_change``: likewise for each place where one speaker
        follows another without pause or overlap. ``combined``: all of these.
    """
    rules = rules or TrialRules()
    lists: dict[str, list[Trial]] = {
        name: [] for name in (CLEAN, OVERLAP_LOW, OVERLAP_HIGH, CHANGE)
    }
    for session, reference in references.items():
        activity = read_activity(reference, (uems or {}).get(session))
        for name, trials in _build_session(session, activity, rules).items():
            lists[name] += trials
    return {**lists, "combined": [trial for trials in lists.values() for trial in trials]}


def _build_session(session: str, activity: Activity, rules: TrialRules) -> dict[str, list[Trial]]:
    generator = np.random.default_rng([rules.seed, *session.encode()])
    runs = find_runs(activity)
    clean = [
        (Crop(session, start, start + rules.length), run.speakers[0])
        for run in runs
        if len(run.speakers) == 1 and run.length > rules.length
        for start in [int(generator.integers(run.start, run.end - rules.length + 1))]
    ]
    lists: dict[str, list[Trial]] = {
        CLEAN: [
            Trial(speaker == other, crop, against)
            for (crop, speaker), (against, other) in combinations(clean, 2)
        ],
        OVERLAP_LOW: [],
        OVERLAP_HIGH: [],
        CHANGE: [],
    }
    for name, anchor in _find_anchors(session, activity, runs, rules, generator):
        lists[name] += _pair(anchor, clean, rules)
    return lists


def _pair(anchor: _Anchor, clean: list[tuple[Crop, int]], rules: TrialRules) -> Iterator[Trial]:
    """Rule 4: the main speaker's crops are targets, those of third speakers are not."""
    for crop, speaker in clean:
        if speaker in anchor.main:
            yield Trial(True, anchor.crop, crop)
        elif speaker not in anchor.speakers or rules.with_secondary:
            yield Trial(False, anchor.crop, crop)


def _find_anchors(
    session: str,
    activity: Activity,
    runs: list[Run],
    rules: TrialRules,
    generator: np.random.Generator,
) -> Iterator[tuple[str, _Anchor]]:
    places = _Places(activity, rules.length)
    for run in runs:
        if len(run.speakers) == 2 and run.length >= rules.shortest_overlap:
            starts = places.around(run.start, run.end)
            starts = starts[100 * places.overlap(starts) >= rules.length]
            if (anchor := _draw(session, starts, places, rules, generator)) is not None:
                yield anchor
    for before, after in pairwise(runs):
        follows = before.end == after.start and before.speakers != after.speakers
        if follows and len(before.speakers) == len(after.speakers) == 1:
            starts = places.around(after.start - 1, after.start + 1, whole=True)
            starts = starts[places.overlap(starts) == 0]
            if (anchor := _draw(session, starts, places, rules, generator)) is not None:
                yield anchor


def _draw(
    session: str,
    starts: NDArray[np.int64],
    places: _Places,
    rules: TrialRules,
    generator: np.random.Generator,
) -> tuple[str, _Anchor] | None:
    """Choose one of the places; the list it belongs to follows from its share of overlap."""
    if not len(starts):
        return None
    start = int(generator.choice(starts))
    talking = places.talking(start)
    first, second = np.flatnonzero(talking).tolist()
    main = tuple(np.flatnonzero(talking == talking.max()).tolist())
    if len(main) > 1 and rules.ties == "drop":
        return None
    overlap = int(places.overlap(np.array([start]))[0])
    name = CHANGE if overlap == 0 else OVERLAP_LOW if 2 * overlap <= rules.length else OVERLAP_HIGH
    return name, _Anchor(Crop(session, start, start + rules.length), (first, second), main)


class _Places:
    """Find where a segment can lie: without silence, inside the UEM, with exactly two speakers."""

    def __init__(self, activity: Activity, length: int) -> None:
        self.length = length
        self.count = max(len(activity.talks) - length + 1, 0)  # places to start
        self._talking = _sums(activity.talks.astype(np.int64))
        at_once = activity.talks.sum(1)
        self._unusable = _sums((at_once == 0) | ~activity.inside)
        self._two = _sums(at_once == 2)

    def around(self, start: int, end: int, *, whole: bool = False) -> NDArray[np.int64]:
        """Places of segments that touch units ``start`` to ``end``, or hold all of them."""
        low, high = (end - self.length, start) if whole else (start - self.length + 1, end - 1)
        places = np.arange(max(low, 0), min(high + 1, self.count))
        usable = self._within(self._unusable, places) == 0
        two = (self._within(self._talking, places) > 0).sum(1) == 2
        return places[usable & two]

    def overlap(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Units in which two speak, for segments at ``places``."""
        return self._within(self._two, places)

    def talking(self, start: int) -> NDArray[np.int64]:
        """Units that each speaker talks in the segment at ``start``, ``(speakers,)``."""
        return self._within(self._talking, np.array([start]))[0]

    def _within(self, sums: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
        return sums[places + self.length] - sums[places]


def _sums(values: NDArray[np.int64] | NDArray[np.bool_]) -> NDArray[np.int64]:
    """Cumulative sums along time, from 0."""
    total = np.zeros((len(values) + 1, *values.shape[1:]), np.int64)
    np.cumsum(values, axis=0, out=total[1:])
    return total
