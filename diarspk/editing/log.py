"""The log of what was done to the turns of a recording, with undo and redo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from diarspk.editing.operation import Operation
from diarspk.editing.spans import Span, subtract
from diarspk.editing.turn_operations import (
    DeleteTurns,
    MoveBoundary,
    ReassignSpan,
    ReassignTurns,
)
from diarspk.editing.turns import EditableTurns
from diarspk.errors import ArgumentError

__all__ = ["EditLog", "Step"]


@dataclass(frozen=True)
class Step:
    """An operation that was done, and the one that takes it back."""

    operation: Operation
    inverse: Operation


@dataclass(frozen=True)
class EditLog:
    """Operations on the turns of a recording, as a value: every change gives a new log.

    Attributes
    ----------
    base : EditableTurns
        Turns before all operations.
    turns : EditableTurns
        Turns now.
    steps : tuple of Step
        What was done, in order.
    undone : tuple of Operation
        What was taken back and can be done again, the next one first.
    """

    base: EditableTurns
    turns: EditableTurns
    steps: tuple[Step, ...] = ()
    undone: tuple[Operation, ...] = ()

    @classmethod
    def of(
        cls,
        base: EditableTurns,
        done: Iterable[Operation] = (),
        undone: Iterable[Operation] = (),
    ) -> EditLog:
        """Do operations on some turns, and note others as undone.

        Raises
        ------
        ArgumentError
            If an operation does not fit.
        """
        log = cls(base, base)
        for operation in done:
            log = log.do(operation)
        return cls(base, log.turns, log.steps, tuple(undone))

    @property
    def done(self) -> tuple[Operation, ...]:
        """Operations that were done, in order."""
        return tuple(step.operation for step in self.steps)

    def do(self, operation: Operation) -> EditLog:
        """Do an operation; what was undone before is forgotten.

        Raises
        ------
        ArgumentError
            If the operation does not fit; this log stays as it is.
        """
        return self._with(operation.numbered(self.turns), ())

    def undo(self) -> EditLog:
        """Take the last operation back.

        Raises
        ------
        ArgumentError
            If there is none.
        """
        if not self.steps:
            raise ArgumentError("`undo` must have an operation to take back, got none.")
        *steps, last = self.steps
        turns = last.inverse.apply(self.turns)
        return EditLog(self.base, turns, tuple(steps), (last.operation, *self.undone))

    def redo(self) -> EditLog:
        """Do again what was undone last.

        Raises
        ------
        ArgumentError
            If nothing was undone since the last operation.
        """
        if not self.undone:
            raise ArgumentError("`redo` must have an operation that was undone, got none.")
        return self._with(self.undone[0], self.undone[1:])

    def removed(self) -> list[Span]:
        """List the spans, in seconds, that were ever deleted, trimmed or given to another."""
        spans: list[Span] = []
        turns = self.turns
        for step in reversed(self.steps):
            before = step.inverse.apply(turns)
            if isinstance(step.operation, DeleteTurns | MoveBoundary | ReassignTurns):
                spans += _lost(before, turns)
            elif isinstance(step.operation, ReassignSpan):  # what is cut off goes on as other turns
                start, end = step.operation.start, step.operation.end
                lost = _lost(before, turns)
                spans += [(max(s, start), min(e, end)) for s, e in lost if s < end and e > start]
            turns = before
        return sorted(spans)

    def _with(self, operation: Operation, undone: tuple[Operation, ...]) -> EditLog:
        turns = operation.apply(self.turns)
        step = Step(operation, operation.inverse(self.turns))
        return EditLog(self.base, turns, (*self.steps, step), undone)


def _lost(before: EditableTurns, after: EditableTurns) -> list[Span]:
    """Parts of turns that are no longer in them, or no longer their speaker's."""
    spans: list[Span] = []
    for number, turn in before.by_number.items():
        now = after.by_number.get(number)
        if now is None:
            spans.append((turn.start, turn.end))
        elif now.speaker != turn.speaker:
            spans.append((max(turn.start, now.start), min(turn.end, now.end)))
        elif now is not turn:
            spans += subtract((turn.start, turn.end), [(now.start, now.end)])
    return spans
