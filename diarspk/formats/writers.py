"""Files with one turn a line, cue or interval: CSV, JSON, subtitles, Audacity, Praat.

Every writer has the signature ``write(annotation, stream, *, confidence=None)``; only JSON and CSV
have a place for confidence. Times are rounded to milliseconds, in seconds where the format has no
clock.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any, TextIO

from pyannote.core import Annotation

from diarspk.formats.names import plain_name
from diarspk.formats.turns import Confidence, RoundedTurn, rounded_turns

__all__ = [
    "annotation_document",
    "write_audacity",
    "write_csv",
    "write_json",
    "write_json_document",
    "write_srt",
    "write_textgrid",
    "write_vtt",
]


def write_csv(
    annotation: Annotation, stream: TextIO, *, confidence: Confidence | None = None
) -> None:
    """Write CSV: ``start,end,speaker,confidence``; an unknown confidence is empty."""
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(["start", "end", "speaker", "confidence"])
    for turn in rounded_turns(annotation, confidence):
        sure = "" if turn.confidence is None else f"{turn.confidence:.3f}"
        table.writerow([f"{turn.start:.3f}", f"{turn.end:.3f}", turn.speaker, sure])


def write_json(
    annotation: Annotation, stream: TextIO, *, confidence: Confidence | None = None
) -> None:
    """Write JSON: ``{"uri", "speakers": [...], "turns": [{"start", "end", "speaker"}, ...]}``.

    A turn has "confidence" too where it is known.
    """
    write_json_document(annotation_document(annotation, confidence), stream)


def annotation_document(
    annotation: Annotation, confidence: Confidence | None = None
) -> dict[str, Any]:
    """Describe turns and speakers by a JSON document."""
    turns = [_as_dict(turn) for turn in rounded_turns(annotation, confidence)]
    speakers = sorted({turn["speaker"] for turn in turns})
    uri = None if annotation.uri is None else plain_name(annotation.uri)
    return {"uri": uri, "speakers": speakers, "turns": turns}


def write_json_document(document: dict[str, Any], stream: TextIO) -> None:
    """Write a document as text that people can read, too."""
    json.dump(document, stream, indent=2, ensure_ascii=False, allow_nan=False)
    stream.write("\n")


def _as_dict(turn: RoundedTurn) -> dict[str, Any]:
    fields = {"start": turn.start, "end": turn.end, "speaker": turn.speaker}
    if turn.confidence is None:
        return fields
    return {**fields, "confidence": round(turn.confidence, 3)}


def write_srt(
    annotation: Annotation, stream: TextIO, *, confidence: Confidence | None = None
) -> None:
    """Write SubRip subtitles: a numbered cue per turn with the speaker's name."""
    for number, turn in enumerate(rounded_turns(annotation), 1):
        start, end = _clock(turn.start_ms, ","), _clock(turn.end_ms, ",")
        stream.write(f"{number}\n{start} --> {end}\n{turn.speaker}\n\n")


def _clock(milliseconds: int, mark: str) -> str:
    """``hours:minutes:seconds`` with ``mark`` before the milliseconds."""
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{milliseconds:03}"


def write_vtt(
    annotation: Annotation, stream: TextIO, *, confidence: Confidence | None = None
) -> None:
    """Write WebVTT subtitles: a cue per turn, with a voice span ``<v name>``."""
    stream.write("WEBVTT\n\n")
    for turn in rounded_turns(annotation):
        name = escape(turn.speaker, quote=False)
        start, end = _clock(turn.start_ms, "."), _clock(turn.end_ms, ".")
        stream.write(f"{start} --> {end}\n<v {name}>{name}</v>\n\n")


def write_audacity(
    annotation: Annotation, stream: TextIO, *, confidence: Confidence | None = None
) -> None:
    """Write an Audacity label track: ``start<tab>end<tab>name`` per turn."""
    for turn in rounded_turns(annotation):
        stream.write(f"{turn.start:.3f}\t{turn.end:.3f}\t{turn.speaker}\n")


def write_textgrid(
    annotation: Annotation, stream: TextIO, *, confidence: Confidence | None = None
) -> None:
    """Write a Praat TextGrid: an interval tier per speaker, with empty intervals in the gaps.

    Intervals of a tier must not overlap: overlapping turns of one speaker are joined.
    """
    tiers: dict[str, list[RoundedTurn]] = {}
    for turn in rounded_turns(annotation):
        tiers.setdefault(turn.speaker, []).append(turn)
    end_ms = max((turn.end_ms for turns in tiers.values() for turn in turns), default=0)
    extent = f"xmin = 0\nxmax = {end_ms / 1000:.3f}\n"
    stream.write('File type = "ooTextFile"\nObject class = "TextGrid"\n\n')
    stream.write(f"{extent}tiers? <exists>\nsize = {len(tiers)}\nitem []:\n")
    for number, (speaker, turns) in enumerate(sorted(tiers.items()), 1):
        intervals = list(_fill(_join(turns), end_ms))
        name = speaker.replace('"', '""')
        stream.write(f'item [{number}]:\nclass = "IntervalTier"\nname = "{name}"\n{extent}')
        stream.write(f"intervals: size = {len(intervals)}\n")
        for index, (first_ms, last_ms, speaks) in enumerate(intervals, 1):
            stream.write(f"intervals [{index}]:\nxmin = {first_ms / 1000:.3f}\n")
            stream.write(f'xmax = {last_ms / 1000:.3f}\ntext = "{name if speaks else ""}"\n')


def _join(turns: Iterable[RoundedTurn]) -> list[tuple[int, int]]:
    """Join overlapping turns, sorted by start, to pairs of start and end."""
    joined: list[tuple[int, int]] = []
    for turn in turns:
        if joined and turn.start_ms < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], turn.end_ms))
        else:
            joined.append((turn.start_ms, turn.end_ms))
    return joined


def _fill(intervals: Iterable[tuple[int, int]], end_ms: int) -> Iterator[tuple[int, int, bool]]:
    """Yield start, end, and whether it is speech, contiguous from 0 to ``end_ms``."""
    position = 0
    for first_ms, last_ms in intervals:
        if first_ms > position:
            yield position, first_ms, False
        yield first_ms, last_ms, True
        position = last_ms
    if end_ms > position:
        yield position, end_ms, False
