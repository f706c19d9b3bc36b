"""Operations out of their JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from reprlib import repr as brief

from diarspk.editing.adoption import AdoptTurns
from diarspk.editing.operation import ChangeTurns, Operation
from diarspk.editing.speaker_operations import MergeSpeakers, RenameSpeakers, SplitSpeaker
from diarspk.editing.turn_operations import (
    AddTurn,
    DeleteTurns,
    MarkReviewed,
    MoveBoundary,
    ReassignSpan,
    ReassignTurns,
    SplitTurn,
)
from diarspk.errors import ArgumentError

__all__ = ["OPERATIONS", "operation_from_json"]

OPERATIONS: Mapping[str, type[Operation]] = {
    operation.name: operation
    for operation in (
        ReassignTurns,
        ReassignSpan,
        SplitTurn,
        MoveBoundary,
        AddTurn,
        DeleteTurns,
        MarkReviewed,
        MergeSpeakers,
        SplitSpeaker,
        RenameSpeakers,
        AdoptTurns,
        ChangeTurns,
    )
}
"""Classes of operations by the names that they have in JSON."""


def operation_from_json(document: object) -> Operation:
    """Make an operation of an object such as ``{"op": "split_turn", "turn": 3, "at": 12.5}``.

    The fields are those of the class; :data:`OPERATIONS` has the classes by name.

    Raises
    ------
    ArgumentError
        If there is no such operation, or a field is missing, unknown or wrong.

    Examples
    --------
    >>> operation_from_json({"op": "split_turn", "turn": 3, "at": 12.5})
    SplitTurn(turn=3, at=12.5, new=None)
    """
    if not isinstance(document, Mapping):
        raise ArgumentError(f"an operation must be an object with `op`, got {brief(document)}.")
    given = dict(document)
    name = given.pop("op", None)
    operation = OPERATIONS.get(name) if isinstance(name, str) else None
    if operation is None:
        raise ArgumentError(f"`op` must be among {', '.join(OPERATIONS)}, got {brief(name)}.")
    known = {field.name: field for field in fields(operation)}
    unknown = [str(field) for field in given if field not in known]
    if unknown:
        raise ArgumentError(f"`{name}` must have no field {unknown[0]!r}; see its class.")
    missing = [
        field.name
        for field in known.values()
        if field.default is MISSING and field.name not in given
    ]
    if missing:
        raise ArgumentError(f"`{name}` must have the field {missing[0]!r}, got none.")
    return operation(**given)
