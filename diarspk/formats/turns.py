"""Turns as written to files: whole milliseconds, none of zero length, by start time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pyannote.core import Annotation, Segment, Timeline

from diarspk.errors import ArgumentError
from diarspk.formats.names import plain_name

__all__ = [
    "Confidence",
    "RoundedTurn",
    "check_annotation",
    "check_timeline",
    "rounded_turns",
    "written_name",
]

Confidence: TypeAlias = "Mapping[tuple[Segment, str | int], float]"
"""Confidence in [0, 1] by segment and track, the key of ``annotation[segment, track]``."""


@dataclass(frozen=True)
class RoundedTurn:
    """Turn in whole milliseconds, so that end minus start is exactly the written duration."""

    start_ms: int
    end_ms: int
    speaker: str
    confidence: float | None

    @property
    def start(self) -> float:
        """Start in seconds."""
        return self.start_ms / 1000

    @property
    def end(self) -> float:
        """End in seconds."""
        return self.end_ms / 1000


def check_annotation(value: object, name: str) -> Annotation:
    """Check that a value holds turns.

    Raises
    ------
    ArgumentError
        Otherwise.
    """
    if isinstance(value, Annotation):
        return value
    raise ArgumentError(
        f"`{name}` must be an Annotation of pyannote.core, got {type(value).__name__}"
    )


def check_timeline(value: object, name: str) -> Timeline | None:
    """Check that a value holds regions, or is None.

    Raises
    ------
    ArgumentError
        Otherwise.
    """
    if value is None or isinstance(value, Timeline):
        return value
    raise ArgumentError(f"`{name}` must be a Timeline of pyannote.core, got {type(value).__name__}")


def rounded_turns(
    annotation: Annotation, confidence: Confidence | None = None
) -> Iterator[RoundedTurn]:
    """Yield the turns of an annotation by start time; line breaks in names become spaces."""
    for segment, track, label in annotation.itertracks(yield_label=True):
        start, end = round(segment.start * 1000), round(segment.end * 1000)
        if end > start:
            sure = None if confidence is None else confidence.get((segment, track))
            yield RoundedTurn(start, end, written_name(label), sure)


def written_name(label: object) -> str:
    """Name of a speaker as files have it: on one line."""
    return " ".join(plain_name(label).split())
