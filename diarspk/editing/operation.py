"""Operations on turns: values that are applied, taken back, and written as JSON."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from reprlib import repr as brief
from typing import Any, ClassVar

from diarspk.editing.checks import checked_numbers
from diarspk.editing.turn import EditableTurn
from diarspk.editing.turns import EditableTurns
from diarspk.errors import ArgumentError

__all__ = ["ChangeTurns", "Operation", "turns_of"]


@dataclass(frozen=True)
class Operation(ABC):
    """What a person does to the turns of a recording.

    Operations are frozen dataclasses; their fields, and the name of the operation, are their JSON.
    """

    name: ClassVar[str]
    """Name in JSON."""

    @abstractmethod
    def apply(self, turns: EditableTurns) -> EditableTurns:
        """Make the turns that come of it.

        Raises
        ------
        ArgumentError
            If it does not fit these turns: a turn or a speaker is not there, ...
        """

    def inverse(self, turns: EditableTurns) -> Operation:
        """Make the operation that takes this one back: from ``self.apply(turns)`` to ``turns``.

        Raises
        ------
        ArgumentError
            If the operation itself does not fit these turns.
        """
        return ChangeTurns.between(self.apply(turns), turns)

    def numbered(self, turns: EditableTurns) -> Operation:
        """Say which numbers the new turns get, so that whatever comes later can name them."""
        return self

    def to_json(self) -> dict[str, Any]:
        """List the fields for JSON, after ``op``, the name; those that are None are left out."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"op": self.name} | {
            name: _plain(value) for name, value in named.items() if value is not None
        }


@dataclass(frozen=True)
class ChangeTurns(Operation):
    """Put the turns ``put`` in the place of those with their numbers, and leave ``remove`` out.

    The inverse of every operation is of this kind.
    """

    name = "change"
    remove: tuple[int, ...] = ()
    put: tuple[EditableTurn, ...] = ()

    def __post_init__(self) -> None:
        """Check the fields, and make turns of their JSON."""
        remove = checked_numbers(self.remove, "remove") if self.remove else ()
        object.__setattr__(self, "remove", remove)
        object.__setattr__(self, "put", turns_of(self.put, "put"))

    @classmethod
    def between(cls, before: EditableTurns, after: EditableTurns) -> ChangeTurns:
        """Find what leads from some turns to others."""
        old, new = before.by_number, after.by_number
        put = [
            turn
            for number, turn in new.items()
            if old.get(number) is not turn and old.get(number) != turn  # is: nearly all are kept
        ]
        return cls(
            tuple(sorted(old.keys() - new.keys())),
            tuple(sorted(put, key=lambda turn: turn.number)),
        )

    def apply(self, turns: EditableTurns) -> EditableTurns:
        """See :meth:`Operation.apply`."""
        left = turns.without(self.remove) if self.remove else turns
        return left.with_changed(*self.put)


def turns_of(values: object, argument: str) -> tuple[EditableTurn, ...]:
    """Check a list of turns, which may be in their JSON."""
    if not isinstance(values, list | tuple):
        raise ArgumentError(f"`{argument}` must be a list of turns, got {brief(values)}.")
    return tuple(
        value if isinstance(value, EditableTurn) else EditableTurn.from_json(value)
        for value in values
    )


def _plain(value: object) -> Any:
    """Value as JSON has it."""
    if isinstance(value, EditableTurn):
        return value.to_json()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
