"""Replay of a log on a fresh diarization of the same recording."""

from __future__ import annotations

from dataclasses import dataclass, replace

from diarspk.editing.adoption import AdoptTurns, adopt
from diarspk.editing.log import EditLog
from diarspk.editing.matching import match_names, match_turns, rename_all, renumber
from diarspk.editing.operation import Operation
from diarspk.editing.turns import EditableTurns
from diarspk.errors import ArgumentError

__all__ = ["Conflict", "check_durations", "replay"]


@dataclass(frozen=True)
class Conflict:
    """An operation that does not fit the fresh diarization, and was left out.

    Attributes
    ----------
    operation : Operation
    reason : str
        Why not, in one line.
    """

    operation: Operation
    reason: str


def replay(log: EditLog, fresh: EditableTurns) -> tuple[EditLog, tuple[Conflict, ...]]:
    """Do the operations of a log on a fresh diarization of the same recording.

    The turns and the speakers that the log was begun with are found again by their times; an
    operation whose turn or speaker is not there is left out, and reported. What was undone is
    forgotten. Where the log adopted another diarization, the fresh one is adopted in its stead.

    Raises
    ------
    ArgumentError
        If the recordings have different durations.
    """
    check_durations(log.base, fresh)
    unused = _first_unused(log)
    done = EditLog.of(_aligned(log.base, fresh, unused))
    conflicts = []
    for operation in log.done:
        try:
            if isinstance(operation, AdoptTurns):
                there = EditableTurns.of(operation.turns, log.base.duration)
                aligned = _aligned(there, fresh, unused)
                operation = adopt(done.turns, aligned, done.removed(), known=there)
            done = done.do(operation)
        except ArgumentError as error:
            conflicts.append(Conflict(operation, str(error)))
    return done, tuple(conflicts)


def check_durations(known: EditableTurns, fresh: EditableTurns) -> None:
    """Refuse a diarization of another recording, as far as durations tell.

    Raises
    ------
    ArgumentError
        If both durations are known, and differ.
    """
    if None not in (known.duration, fresh.duration) and known.duration != fresh.duration:
        raise ArgumentError(
            f"`diarization` must be of the same recording, which is {known.duration} s long, got "
            f"one of {fresh.duration} s."
        )


def _aligned(known: EditableTurns, fresh: EditableTurns, first_free: int) -> EditableTurns:
    """Fresh turns with the numbers and names that the turns at the same times have in the log."""
    named = rename_all(fresh.listed, match_names(known.listed, fresh.listed))
    numbers = match_turns(known.listed, named)
    turns = renumber(named, numbers, first_free)
    return replace(EditableTurns.of(turns, fresh.duration), next_number=first_free + len(turns))


def _first_unused(log: EditLog) -> int:
    """Find the number above all that the log has ever given to a turn."""
    highest, turns = log.base.next_number, log.base
    for operation in log.done:
        turns = operation.apply(turns)
        highest = max(highest, turns.next_number)
    return highest
