"""Operations on single turns and spans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from reprlib import repr as brief

from diarspk.editing.checks import (
    checked_name,
    checked_names,
    checked_number,
    checked_numbers,
    checked_seconds,
    checked_span,
)
from diarspk.editing.operation import Operation
from diarspk.editing.turn import EditableTurn
from diarspk.editing.turns import EditableTurns
from diarspk.errors import ArgumentError

__all__ = [
    "AddTurn",
    "DeleteTurns",
    "MarkReviewed",
    "MoveBoundary",
    "ReassignSpan",
    "ReassignTurns",
    "SplitTurn",
]


@dataclass(frozen=True)
class ReassignTurns(Operation):
    """Give some turns to a speaker, who may be a new one; they count as reviewed.

    No other turn of the speakers changes.
    """

    name = "reassign"
    turns: tuple[int, ...]
    speaker: str

    def __post_init__(self) -> None:
        """Check the fields."""
        object.__setattr__(self, "turns", checked_numbers(self.turns, "turns"))
        object.__setattr__(self, "speaker", checked_name(self.speaker, "speaker"))

    def apply(self, turns: EditableTurns) -> EditableTurns:
        """See :meth:`Operation.apply`."""
        return turns.with_changed(
            *(_corrected(turns[number], speaker=self.speaker) for number in self.turns)
        )


@dataclass(frozen=True)
class ReassignSpan(Operation):
    """Give all speech in a span to a speaker, or only that of the speakers ``of``.

    Turns that reach beyond the span are cut at its edges, and keep their speaker outside. ``new``
    are the numbers of the parts that this makes.
    """

    name = "reassign_span"
    start: float
    end: float
    speaker: str
    of: tuple[str, ...] | None = None
    new: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        start, end = checked_span(self.start, self.end)
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)
        object.__setattr__(self, "speaker", checked_name(self.speaker, "speaker"))
        if self.of is not None:
            object.__setattr__(self, "of", checked_names(self.of, "of"))
        if self.new is not None:
            numbers = checked_numbers(self.new, "new") if self.new else ()
            object.__setattr__(self, "new", numbers)

    def apply(self, turns: EditableTurns) -> EditableTurns:
        """See :meth:`Operation.apply`."""
        for speaker in self.of or ():
            turns.of_speaker(speaker)
        touched = self._touched(turns)
        if not touched:
            raise ArgumentError(
                f"`start` and `end` must be a span with speech, got {self.start} to {self.end}, "
                "in which nobody talks."
            )
        free = chain(self.new or (), count(turns.next_number))
        changed, new = [], []
        for turn in touched:
            inside, *outside = self._parts(turn, free)
            changed.append(inside)
            new.extend(outside)
        return turns.with_changed(*changed).with_new(*new)

    def numbered(self, turns: EditableTurns) -> ReassignSpan:
        """See :meth:`Operation.numbered`."""
        if self.new is not None:
            return self
        parts = sum(
            (turn.start < self.start) + (turn.end > self.end) for turn in self._touched(turns)
        )
        return replace(self, new=tuple(islice(count(turns.next_number), parts)))

    def _touched(self, turns: EditableTurns) -> list[EditableTurn]:
        return [
            turn
            for turn in turns.listed
            if turn.start < self.end
            and turn.end > self.start
            and (self.of is None or turn.speaker in self.of)
        ]

    def _parts(self, turn: EditableTurn, free: Iterator[int]) -> list[EditableTurn]:
        """Part inside the span, then those outside."""
        start, end = max(turn.start, self.start), min(turn.end, self.end)
        parts = [_corrected(turn, start=start, end=end, speaker=self.speaker)]
        if turn.start < start:
            parts.append(replace(turn, number=next(free), end=start))
        if turn.end > end:
            parts.append(replace(turn, number=next(free), start=end))
        return parts


@dataclass(frozen=True)
class SplitTurn(Operation):
    """Split a turn at a time; the first part keeps its number, the second gets ``new``."""

    name = "split_turn"
    turn: int
    at: float
    new: int | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        object.__setattr__(self, "turn", checked_number(self.turn, "turn"))
        object.__setattr__(self, "at", checked_seconds(self.at, "at"))
        if self.new is not None:
            object.__setattr__(self, "new", checked_number(self.new, "new"))

    def apply(self, turns: EditableTurns) -> EditableTurns:
        """See :meth:`Operation.apply`."""
        whole = turns[self.turn]
        if not whole.start < self.at < whole.end:
            raise ArgumentError(
                f"`at` must be inside of turn {self.turn}, {whole.start} to {whole.end}, got "
                f"{self.at}."
            )
        number = turns.next_number if self.new is None else self.new
        first, second = replace(whole, end=self.at), replace(whole, number=number, start=self.at)
        return turns.with_new(second).with_changed(first)

    def numbered(self, turns: EditableTurns) -> SplitTurn:
        """See :meth:`Operation.numbered`."""
        return replace(self, new=turns.next_number) if self.new is None else self


@dataclass(frozen=True)
class MoveBoundary(Operation):
    """Move the start of a turn, its end, or both; it counts as reviewed, and no other changes."""

    name = "move"
    turn: int
    start: float | None = None
    end: float | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        object.__setattr__(self, "turn", checked_number(self.turn, "turn"))
        if self.start is None and self.end is None:
            raise ArgumentError("`start` or `end` must be given, got neither.")
        for name in ("start", "end"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, checked_seconds(value, name))

    def apply(self, turns: EditableTurns) -> EditableTurns:
        """See :meth:`Operation.apply`."""
        turn = turns[self.turn]
        start = turn.start if self.start is None else self.start
        end = turn.end if self.end is None else self.end
        if not start < end:
            raise ArgumentError(
                f"`start` and `end` must not meet or cross: turn {self.turn} would be from {start} "
                f"to {end}; delete it instead."
            )
        return turns.with_changed(_corrected(turn, start=start, end=end))


@dataclass(frozen=True)
class AddTurn(Operation):
    """Add a turn of a speaker, who may be a new one; it counts as reviewed. ``new`` numbers it."""

    name = "add"
    start: float
    end: float
    speaker: str
    new: int | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        start, end = checked_span(self.start, self.end)
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)
        object.__setattr__(self, "speaker", checked_name(self.speaker, "speaker"))
        if self.new is not None:
            object.__setattr__(self, "new", checked_number(self.new, "new"))

    def apply(self, turns: EditableTurns) -> EditableTurns:
        """See :meth:`Operation.apply`."""
        number = turns.next_number if self.new is None else self.new
        return turns.with_new(
            EditableTurn(number, self.start, self.end, self.speaker, reviewed=True)
        )

    def numbered(self, turns: EditableTurns) -> AddTurn:
        """See :meth:`Operation.numbered`."""
        return replace(self, new=turns.next_number) if self.new is None else self


@dataclass(frozen=True)
class DeleteTurns(Operation):
    """Delete some turns."""

    name = "delete"
    turns: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check the fields."""
        object.__setattr__(self, "turns", checked_numbers(self.turns, "turns"))

    def apply(self, turns: EditableTurns) -> EditableTurns:
        """See :meth:`Operation.apply`."""
        return turns.without(self.turns)


@dataclass(frozen=True)
class MarkReviewed(Operation):
    """Mark some turns as reviewed, or as not reviewed."""

    name = "review"
    turns: tuple[int, ...]
    reviewed: bool = True

    def __post_init__(self) -> None:
        """Check the fields."""
        object.__setattr__(self, "turns", checked_numbers(self.turns, "turns"))
        if not isinstance(self.reviewed, bool):
            raise ArgumentError(f"`reviewed` must be true or false, got {brief(self.reviewed)}.")

    def apply(self, turns: EditableTurns) -> EditableTurns:
        """See :meth:`Operation.apply`."""
        return turns.with_changed(
            *(replace(turns[number], reviewed=self.reviewed) for number in self.turns)
        )


def _corrected(
    turn: EditableTurn,
    *,
    start: float | None = None,
    end: float | None = None,
    speaker: str | None = None,
) -> EditableTurn:
    """Turn as a person has set it: reviewed, and without the confidence of what it was before."""
    return replace(
        turn,
        start=turn.start if start is None else start,
        end=turn.end if end is None else end,
        speaker=turn.speaker if speaker is None else speaker,
        confidence=None,
        reviewed=True,
    )
