"""An oracle that knows the reference, and corrects by operations of the review page alone.

It does what a careful person would: merge speakers that are one, then go through the turns, and for
each do the least that makes it right. A turn that the reference does not have is deleted, one of
another speaker reassigned, one of several people split, and a boundary dragged if it is off by more
than the tolerance; what is missing is drawn. Every operation counts as one, a boundary each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from pyannote.core import Annotation
from scipy.optimize import linear_sum_assignment

from diarspk.editing import (
    AddTurn,
    DeleteTurns,
    EditableTurn,
    EditedDiarization,
    MergeSpeakers,
    MoveBoundary,
    Operation,
    ReassignTurns,
    SplitTurn,
)
from diarspk.editing.spans import subtract
from diarspk.errors import ArgumentError

__all__ = ["Goal", "Oracle", "Similar", "goals_of"]

MIN_OVERLAP_S = 0.1
"""Seconds of a reference turn that a turn must have, to be corrected into it."""

MAX_CHECKED = 20
"""Turns of "more like this" that are played, the most similar first."""

Similar = Callable[[Sequence[EditableTurn], int], list[tuple[int, float]]]
"""Callable(turns, number of a turn) -> other turns, the most similar first."""


@dataclass(frozen=True)
class Goal:
    """Turn of the reference, in seconds."""

    start: float
    end: float
    speaker: str

    def overlap(self, turn: EditableTurn) -> float:
        """Seconds in common with a turn."""
        return max(min(self.end, turn.end) - max(self.start, turn.start), 0.0)


def goals_of(reference: Annotation) -> list[Goal]:
    """List the turns of a reference, those of one speaker joined where they touch, to the ms."""
    found = [
        Goal(round(segment.start, 3), round(segment.end, 3), label)
        for label in reference.labels()
        for segment in reference.label_timeline(label).support()
    ]
    return sorted(
        (goal for goal in found if goal.end > goal.start),
        key=lambda goal: (goal.start, goal.end, goal.speaker),
    )


@dataclass
class Oracle:
    """Corrects a diarization, and counts operations by kind.

    Attributes
    ----------
    edited : EditedDiarization
    goals : list of Goal
    tolerance_s : float
        Boundaries that are off by no more stay.
    """

    edited: EditedDiarization
    goals: list[Goal]
    tolerance_s: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    _names: dict[str, str] = field(default_factory=dict)

    def merge_speakers(self) -> None:
        """Merge speakers who are one person, and give each person a name of the reference.

        Naming is not counted: error rates do not ask for it.
        """
        turns = self.edited.turns
        people = sorted({goal.speaker for goal in self.goals})
        labels = list(self.edited.speakers)
        shared = np.zeros((len(labels), len(people)))
        for turn in turns:
            for goal in self.goals:
                row, column = labels.index(turn.speaker), people.index(goal.speaker)
                shared[row, column] += goal.overlap(turn)
        rows, columns = linear_sum_assignment(-shared)
        owners = {people[c]: labels[r] for r, c in zip(rows, columns, strict=True) if shared[r, c]}
        for row, label in enumerate(labels):
            best = people[int(shared[row].argmax())] if shared[row].any() else None
            if best is not None and label not in owners.values() and best in owners:
                self._do(MergeSpeakers((owners[best], label)))
        names = {owner: person for person, owner in owners.items()}
        free = (name for name in (f"unknown {n}" for n in range(len(labels))))
        left = {label: names.get(label) or next(free) for label in self.edited.speakers}
        if left:
            self.edited = self.edited.rename(left)

    def reassign_alike(self, similar: Similar) -> None:
        """Correct speakers by "more like this": one wrong turn, then all like it at once."""
        tried: set[int] = set()
        while wrong := [turn for turn in self._misnamed() if turn.number not in tried]:
            turn = max(wrong, key=lambda one: (one.duration, -one.number))
            tried.add(turn.number)
            person = self._person(turn)
            assert person is not None
            self._do(ReassignTurns((turn.number,), person))
            by_number = {one.number: one for one in self.edited.turns}
            near = [by_number[number] for number in self._alike(similar, turn.number)]
            shown = [one for one in near if one.speaker != person and not one.reviewed]
            same = [one.number for one in shown[:MAX_CHECKED] if self._person(one) == person]
            if same:
                self._do(ReassignTurns(tuple(same), person))

    def correct_turns(self) -> None:
        """Bring every turn to the reference."""
        chains = self._chains()
        surplus = [turn.number for turn in self.edited.turns if turn.number not in chains]
        for number in surplus:
            self._do(DeleteTurns((number,)))
        drawn = [goal for goal in self.goals if not any(goal in one for one in chains.values())]
        for number, chain in sorted(chains.items()):
            turn = next(turn for turn in self.edited.turns if turn.number == number)
            main = max(chain, key=lambda goal: (goal.overlap(turn), -goal.start))
            if self._cost(turn, chain) <= self._cost(turn, [main]) + len(chain) - 1:
                self._correct(turn, chain)
            else:
                self._correct(turn, [main])
                drawn += [goal for goal in chain if goal is not main]
        for goal in drawn:
            self._do(AddTurn(goal.start, goal.end, goal.speaker))

    def _alike(self, similar: Similar, number: int) -> list[int]:
        try:
            return [other for other, _ in similar(self.edited.turns, number)]
        except ArgumentError:  # the turn is too short to tell
            return []

    def _chains(self) -> dict[int, list[Goal]]:
        """Goals that each turn is corrected into, by start; none of them overlap much."""
        chains: dict[int, list[Goal]] = {}
        for goal in self.goals:
            near = [turn for turn in self.edited.turns if goal.overlap(turn) >= MIN_OVERLAP_S]
            if near:
                # A turn of another speaker costs an operation more: half a second is worth one.
                best = max(
                    near,
                    key=lambda turn: (
                        goal.overlap(turn) + 0.5 * (turn.speaker == goal.speaker),
                        -turn.number,
                    ),
                )
                chain = chains.setdefault(best.number, [])
                if not chain or goal.start >= chain[-1].end - self.tolerance_s:
                    chain.append(goal)
        return chains

    def _cost(self, turn: EditableTurn, chain: Sequence[Goal]) -> int:
        """Count the operations that make a turn into a chain of goals."""
        edges = self._off(turn.start, chain[0].start) + self._off(turn.end, chain[-1].end)
        for before, after in pairwise(chain):
            edges += 1 + self._off(before.end, after.start)
        return edges + sum(goal.speaker != turn.speaker for goal in chain)

    def _correct(self, turn: EditableTurn, chain: Sequence[Goal]) -> None:
        """Make a turn into a chain of goals: cut it, then settle every part."""
        number = turn.number
        for goal in chain[:-1]:
            whole = self.edited.log.turns[number]
            at = min(max(goal.end, whole.start + 0.001), whole.end - 0.001)
            split = SplitTurn(number, at).numbered(self.edited.log.turns)
            assert split.new is not None
            self._do(split)
            self._settle(number, goal)
            number = split.new
        self._settle(number, chain[-1])

    def _settle(self, number: int, goal: Goal) -> None:
        """Give a turn the speaker and the boundaries of a goal."""
        turn = self.edited.log.turns[number]
        if turn.speaker != goal.speaker:
            self._do(ReassignTurns((number,), goal.speaker))
        moves = [
            MoveBoundary(number, start=goal.start) if self._off(turn.start, goal.start) else None,
            MoveBoundary(number, end=goal.end) if self._off(turn.end, goal.end) else None,
        ]
        if goal.start >= turn.end:  # the end goes first, or they would cross
            moves.reverse()
        for move in moves:
            if move is not None:
                self._do(move)

    def _misnamed(self) -> list[EditableTurn]:
        return [
            turn
            for turn in self.edited.turns
            if not turn.reviewed and self._person(turn) not in (None, turn.speaker)
        ]

    def _person(self, turn: EditableTurn) -> str | None:
        """Whom a turn would best be given to: who talks the longest in it, and has no turn there.

        Its own speaker, where that makes no difference; None, where nobody would gain.
        """
        seconds = {turn.speaker: 0.0}
        for goal in self.goals:
            if goal.overlap(turn) > 0:
                span = (max(goal.start, turn.start), min(goal.end, turn.end))
                others = [
                    (other.start, other.end)
                    for other in self.edited.turns
                    if other.speaker == goal.speaker and other.number != turn.number
                ]
                missing = sum(end - start for start, end in subtract(span, others))
                seconds[goal.speaker] = seconds.get(goal.speaker, 0.0) + missing
        most = max(seconds.values())
        if most < MIN_OVERLAP_S:
            return None
        if seconds[turn.speaker] == most:
            return turn.speaker
        return min(name for name, value in seconds.items() if value == most)

    def _off(self, is_at: float, belongs_at: float) -> bool:
        return abs(is_at - belongs_at) > self.tolerance_s + 1e-9

    def _do(self, operation: Operation) -> None:
        self.edited = self.edited.do(operation)
        self.counts[operation.name] += 1
