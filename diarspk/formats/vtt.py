"""WebVTT subtitles: one cue a turn, marked with the speaker's voice and showing the name."""

from __future__ import annotations

from html import escape
from typing import TextIO

from pyannote.core import Annotation

from diarspk.formats.srt import clock
from diarspk.formats.turns import Confidence, rounded_turns

__all__ = ["write_vtt"]


def write_vtt(
    annotation: Annotation, stream: TextIO, *, confidence: Confidence | None = None
) -> None:
    """Write cues with ``<v name>``; confidence has no place in them."""
    stream.write("WEBVTT\n\n")
    for turn in rounded_turns(annotation):
        name = escape(turn.speaker, quote=False)
        start, end = clock(turn.start_ms, "."), clock(turn.end_ms, ".")
        stream.write(f"{start} --> {end}\n<v {name}>{name}</v>\n\n")
