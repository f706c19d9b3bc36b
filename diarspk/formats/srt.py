"""SubRip subtitles: one cue a turn, whose text is the speaker's name."""

from __future__ import annotations

from typing import TextIO

from pyannote.core import Annotation

from diarspk.formats.turns import Confidence, rounded_turns

__all__ = ["clock", "write_srt"]


def write_srt(
    annotation: Annotation, stream: TextIO, *, confidence: Confidence | None = None
) -> None:
    """Write numbered cues; confidence has no place in them."""
    for number, turn in enumerate(rounded_turns(annotation), 1):
        start, end = clock(turn.start_ms, ","), clock(turn.end_ms, ",")
        stream.write(f"{number}\n{start} --> {end}\n{turn.speaker}\n\n")


def clock(milliseconds: int, mark: str) -> str:
    """``hours:minutes:seconds`` with ``mark`` before the milliseconds."""
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{milliseconds:03}"
