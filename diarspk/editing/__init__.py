"""Corrections of a diarization as operations that can be undone, saved, and done again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.editing.adoption import AdoptTurns
    from diarspk.editing.edited_diarization import EditedDiarization
    from diarspk.editing.log import EditLog, Step
    from diarspk.editing.operation import ChangeTurns, Operation
    from diarspk.editing.operation_json import OPERATIONS, operation_from_json
    from diarspk.editing.replay import Conflict
    from diarspk.editing.speaker_operations import MergeSpeakers, RenameSpeakers, SplitSpeaker
    from diarspk.editing.turn import EditableTurn
    from diarspk.editing.turn_operations import (
        AddTurn,
        DeleteTurns,
        MarkReviewed,
        MoveBoundary,
        ReassignSpan,
        ReassignTurns,
        SplitTurn,
    )
    from diarspk.editing.turns import EditableTurns

__all__ = [
    "OPERATIONS",
    "AddTurn",
    "AdoptTurns",
    "ChangeTurns",
    "Conflict",
    "DeleteTurns",
    "EditLog",
    "EditableTurn",
    "EditableTurns",
    "EditedDiarization",
    "MarkReviewed",
    "MergeSpeakers",
    "MoveBoundary",
    "Operation",
    "ReassignSpan",
    "ReassignTurns",
    "RenameSpeakers",
    "SplitSpeaker",
    "SplitTurn",
    "Step",
    "operation_from_json",
]

_HOMES = {
    "OPERATIONS": "diarspk.editing.operation_json",
    "AddTurn": "diarspk.editing.turn_operations",
    "AdoptTurns": "diarspk.editing.adoption",
    "ChangeTurns": "diarspk.editing.operation",
    "Conflict": "diarspk.editing.replay",
    "DeleteTurns": "diarspk.editing.turn_operations",
    "EditLog": "diarspk.editing.log",
    "EditableTurn": "diarspk.editing.turn",
    "EditableTurns": "diarspk.editing.turns",
    "EditedDiarization": "diarspk.editing.edited_diarization",
    "MarkReviewed": "diarspk.editing.turn_operations",
    "MergeSpeakers": "diarspk.editing.speaker_operations",
    "MoveBoundary": "diarspk.editing.turn_operations",
    "Operation": "diarspk.editing.operation",
    "ReassignSpan": "diarspk.editing.turn_operations",
    "ReassignTurns": "diarspk.editing.turn_operations",
    "RenameSpeakers": "diarspk.editing.speaker_operations",
    "SplitSpeaker": "diarspk.editing.speaker_operations",
    "SplitTurn": "diarspk.editing.turn_operations",
    "Step": "diarspk.editing.log",
    "operation_from_json": "diarspk.editing.operation_json",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
