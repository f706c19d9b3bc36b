"""CSV: a header, then one turn a row, times in seconds."""

from __future__ import annotations

import csv
from typing import TextIO

from pyannote.core import Annotation

from diarspk.formats.turns import Confidence, rounded_turns

__all__ = ["write_csv"]


def write_csv(
    annotation: Annotation, stream: TextIO, *, confidence: Confidence | None = None
) -> None:
    """Write ``start,end,speaker,confidence``; the last is empty where it is not known."""
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(["start", "end", "speaker", "confidence"])
    for turn in rounded_turns(annotation, confidence):
        sure = "" if turn.confidence is None else f"{turn.confidence:.3f}"
        table.writerow([f"{turn.start:.3f}", f"{turn.end:.3f}", turn.speaker, sure])
