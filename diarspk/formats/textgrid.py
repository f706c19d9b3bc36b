"""Praat TextGrid: one interval tier a speaker, its gaps filled with empty intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from pyannote.core import Annotation

from diarspk.formats.turns import Confidence, RoundedTurn, rounded_turns

__all__ = ["write_textgrid"]


def write_textgrid(
    annotation: Annotation, stream: TextIO, *, confidence: Confidence | None = None
) -> None:
    """Write a tier for each speaker, from 0 to the last end; confidence has no place in them.

    Intervals of a tier must not overlap: turns of one speaker that do are joined.
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
    """Start and end of what overlaps, joined; ``turns`` are by start time."""
    joined: list[tuple[int, int]] = []
    for turn in turns:
        if joined and turn.start_ms < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], turn.end_ms))
        else:
            joined.append((turn.start_ms, turn.end_ms))
    return joined


def _fill(intervals: Iterable[tuple[int, int]], end_ms: int) -> Iterator[tuple[int, int, bool]]:
    """Start, end, and whether it is speech, without a gap from 0 to ``end_ms``."""
    position = 0
    for first_ms, last_ms in intervals:
        if first_ms > position:
            yield position, first_ms, False
        yield first_ms, last_ms, True
        position = last_ms
    if end_ms > position:
        yield position, end_ms, False
