"""Subtitles of a transcript: SubRip (SRT), WebVTT, and Advanced SubStation Alpha (ASS).

A cue for each speaker of each segment. Blank lines, which end a cue, are closed up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import TextIO

from diarspk.transcripts.transcript import Transcript, Utterance

__all__ = ["write_ass", "write_srt", "write_vtt"]

ASS_HEADER = """\
[Script Info]
ScriptType: v4.00+
WrapStyle: 0
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, \
Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, \
Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,20,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,1,0,2,\
10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def write_srt(transcript: Transcript, stream: TextIO, *, every_cue: bool = False) -> None:
    """Write SRT with the name before the text where the speaker changes, or on every cue."""
    previous: str | None = None
    for number, cue in enumerate(_cues(transcript), 1):
        named = cue.speaker is not None and (every_cue or cue.speaker != previous)
        name = f"{_one_line(cue.speaker or '')}: " if named else ""
        times = f"{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}"
        stream.write(f"{number}\n{times}\n{name}{_lines(cue.text)}\n\n")
        previous = cue.speaker


def write_vtt(transcript: Transcript, stream: TextIO) -> None:
    """Write WebVTT with a voice span ``<v Name>`` on every cue whose speaker is known."""
    stream.write("WEBVTT\n\n")
    for cue in _cues(transcript):
        text = escape(_lines(cue.text), quote=False)
        if cue.speaker is not None:
            text = f"<v {escape(_one_line(cue.speaker), quote=False)}>{text}</v>"
        stream.write(f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{text}\n\n")


def write_ass(transcript: Transcript, stream: TextIO) -> None:
    """Write ASS with the speaker in the Name (actor) column, where a comma becomes a space."""
    stream.write(ASS_HEADER)
    for cue in _cues(transcript):
        name = " ".join((cue.speaker or "").replace(",", " ").split())
        # Braces would begin a command to the renderer, and \N a line.
        text = re.sub(r"([\\{}])", r"\\\1", _lines(cue.text)).replace("\n", "\\N")
        times = f"{_ass_clock(cue.start)},{_ass_clock(cue.end)}"
        stream.write(f"Dialogue: 0,{times},Default,{name},0,0,0,,{text}\n")


def _cues(transcript: Transcript) -> Iterator[Utterance]:
    """Utterances that show a text."""
    return (one for one in transcript.utterances() if one.text)


def _lines(text: str) -> str:
    """Text without blank lines."""
    return re.sub(r"\s*[\r\n]\s*", "\n", text)


def _one_line(name: str) -> str:
    return " ".join(name.split())


def _clock(seconds: float, mark: str) -> str:
    """``hours:minutes:seconds`` with ``mark`` before the milliseconds."""
    rest, milliseconds = divmod(round(seconds * 1000), 1000)
    rest, whole = divmod(rest, 60)
    hours, minutes = divmod(rest, 60)
    return f"{hours:02}:{minutes:02}:{whole:02}{mark}{milliseconds:03}"


def _ass_clock(seconds: float) -> str:
    """``hours:minutes:seconds.centiseconds``."""
    rest, centiseconds = divmod(round(seconds * 100), 100)
    rest, whole = divmod(rest, 60)
    hours, minutes = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{whole:02}.{centiseconds:02}"
