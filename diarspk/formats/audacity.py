"""Audacity label track: ``start<tab>end<tab>name`` in seconds."""

from __future__ import annotations

from typing import TextIO

from pyannote.core import Annotation

from diarspk.formats.turns import Confidence, rounded_turns

__all__ = ["write_audacity"]


def write_audacity(
    annotation: Annotation, stream: TextIO, *, confidence: Confidence | None = None
) -> None:
    """Write one label a turn; confidence has no place in them."""
    for turn in rounded_turns(annotation):
        stream.write(f"{turn.start:.3f}\t{turn.end:.3f}\t{turn.speaker}\n")
