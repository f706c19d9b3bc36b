"""Turns to be edited, out of whatever says who speaks when: a result, an annotation or a file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from diarspk.editing.checks import to_milliseconds
from diarspk.editing.turn import EditableTurn
from diarspk.editing.turns import EditableTurns
from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    from pyannote.core import Annotation

__all__ = ["Diarized", "turns_of_diarization"]


@runtime_checkable
class HasAnnotation(Protocol):
    """Result of a diarization, such as :class:`diarspk.Diarization`."""

    @property
    def annotation(self) -> Annotation:
        """Turns by speaker."""
        ...


Diarized: TypeAlias = "HasAnnotation | Annotation | str | PathLike[str]"
"""A result, an annotation, or a file: RTTM, or JSON as :meth:`diarspk.Diarization.write` makes."""


def turns_of_diarization(
    diarization: Diarized, *, uri: str | None = None, duration: float | None = None
) -> tuple[EditableTurns, str | None]:
    """List the turns of a diarization, numbered by start, and find the name of the recording.

    Times are rounded to milliseconds, and turns that have no length then are left out.

    Parameters
    ----------
    diarization : Diarization, Annotation or path
    uri : str, optional
        Name of the recording, of which an RTTM file may hold several.
    duration : float, optional
        Seconds of the recording. Default: that of a result; otherwise it is not known.

    Raises
    ------
    ArgumentError
        If it is of another type, or a turn ends after the recording.
    FormatError
        If a file cannot be read, or does not say which of its recordings.
    """
    annotation: Any = diarization
    confidence: Mapping[Any, float] = {}
    if isinstance(diarization, str | PathLike):
        from diarspk.editing.files import read_turns

        name, read = read_turns(diarization, uri)
        return _number(read, duration), name
    if isinstance(diarization, HasAnnotation):
        annotation = diarization.annotation
        confidence = getattr(diarization, "confidence", {})
        duration = getattr(diarization, "duration", None) if duration is None else duration
    if not hasattr(annotation, "itertracks"):
        raise ArgumentError(
            "`diarization` must be a Diarization, an Annotation, or a file (.rttm, .json), got "
            f"{type(diarization).__name__}."
        )
    turns = (
        (segment.start, segment.end, str(label), confidence.get((segment, track)))
        for segment, track, label in annotation.itertracks(yield_label=True)
    )
    return _number(turns, duration), uri if annotation.uri is None else str(annotation.uri)


def _number(
    found: Iterable[tuple[float, float, str, float | None]], duration: float | None
) -> EditableTurns:
    rounded = [
        (to_milliseconds(start), to_milliseconds(end), speaker, confidence)
        for start, end, speaker, confidence in found
        if math.isfinite(end - start)
    ]
    long = sorted((turn for turn in rounded if turn[0] < turn[1]), key=lambda turn: turn[:3])
    return EditableTurns.of(
        (EditableTurn(number, *turn) for number, turn in enumerate(long)), duration
    )
