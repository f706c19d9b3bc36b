"""Turns of a diarization, whatever holds them: a result, an annotation, RTTM or our JSON."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from diarspk.errors import ArgumentError
from diarspk.transcripts.choosing import choose_recording
from diarspk.transcripts.diarization_json import read_turn_items

if TYPE_CHECKING:
    from pyannote.core import Annotation

__all__ = ["DiarizationLike", "SpeakerTurn", "to_turns"]


@runtime_checkable
class HasAnnotation(Protocol):
    """Result of a diarization, such as :class:`diarspk.Diarization`."""

    @property
    def annotation(self) -> Annotation:
        """Turns by speaker."""
        ...


DiarizationLike: TypeAlias = "HasAnnotation | Annotation | str | PathLike[str]"
"""A result, an annotation, or a file: RTTM, or JSON as :meth:`diarspk.Diarization.write` makes."""


@dataclass(frozen=True, slots=True)
class SpeakerTurn:
    """Turn of one speaker, in seconds."""

    start: float
    end: float
    speaker: str


def to_turns(
    diarization: DiarizationLike, uri: str | None = None, *, hint: str | None = None
) -> list[SpeakerTurn]:
    """List the turns of a diarization by start, those of one speaker joined where they overlap.

    Turns without a length are left out.

    Parameters
    ----------
    diarization : Diarization, Annotation or path
    uri : str, optional
        Name of the recording, of which an RTTM file may hold several.
    hint : str, optional
        Name to take where a file holds several recordings and ``uri`` is not given.

    Raises
    ------
    ArgumentError
        If it is of another type.
    FormatError
        If a file cannot be read, or does not say which of its recordings.
    """
    if isinstance(diarization, str | PathLike):
        found = _read(os.fsdecode(diarization), uri, hint)
    else:
        annotation: Any = diarization
        if isinstance(diarization, HasAnnotation):
            annotation = diarization.annotation
        if not hasattr(annotation, "itertracks"):
            raise ArgumentError(
                "`diarization` must be a Diarization, an Annotation, or a file (.rttm, .json), got "
                f"{type(diarization).__name__}"
            )
        found = _of_annotation(annotation)
    return sorted(_join(found), key=lambda turn: (turn.start, turn.end, turn.speaker))


def _join(turns: list[SpeakerTurn]) -> list[SpeakerTurn]:
    """Join turns of one speaker that overlap or touch; leave out those without a length."""
    joined: list[SpeakerTurn] = []
    for turn in sorted(turns, key=lambda turn: (turn.speaker, turn.start)):
        if not (math.isfinite(turn.end - turn.start) and turn.end > turn.start):
            continue
        last = joined[-1] if joined else None
        if last and last.speaker == turn.speaker and turn.start <= last.end:
            joined[-1] = SpeakerTurn(last.start, max(last.end, turn.end), last.speaker)
        else:
            joined.append(turn)
    return joined


def _of_annotation(annotation: Annotation) -> list[SpeakerTurn]:
    return [
        SpeakerTurn(float(segment.start), float(segment.end), str(label))
        for segment, _, label in annotation.itertracks(yield_label=True)
    ]


def _read(name: str, uri: str | None, hint: str | None) -> list[SpeakerTurn]:
    if Path(name).suffix.lower() == ".json":
        _, turns = read_turn_items(name)
        return [SpeakerTurn(turn.start, turn.end, turn.speaker) for turn in turns]
    from diarspk.formats import read_rttm

    chosen = choose_recording(read_rttm(name), uri, name, hint=hint)
    return [] if chosen is None else _of_annotation(chosen[1])
