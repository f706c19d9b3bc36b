"""JSON: the recording, its speakers, and its turns with times in seconds."""

from __future__ import annotations

import json
from typing import Any, TextIO

from pyannote.core import Annotation

from diarspk.formats.turns import Confidence, RoundedTurn, rounded_turns

__all__ = ["write_json"]


def write_json(
    annotation: Annotation, stream: TextIO, *, confidence: Confidence | None = None
) -> None:
    """Write ``{"uri": ..., "speakers": [...], "turns": [{"start", "end", "speaker"}, ...]}``.

    A turn has "confidence" too where it is known.
    """
    turns = [_as_dict(turn) for turn in rounded_turns(annotation, confidence)]
    speakers = sorted({turn["speaker"] for turn in turns})
    document = {"uri": annotation.uri, "speakers": speakers, "turns": turns}
    json.dump(document, stream, indent=2, ensure_ascii=False)
    stream.write("\n")


def _as_dict(turn: RoundedTurn) -> dict[str, Any]:
    fields = {"start": turn.start, "end": turn.end, "speaker": turn.speaker}
    if turn.confidence is None:
        return fields
    return {**fields, "confidence": round(turn.confidence, 3)}
