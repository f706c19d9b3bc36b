"""A turn that can be edited: it keeps its number whatever is done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from reprlib import repr as brief
from typing import Any

from diarspk.arguments import check_number
from diarspk.editing.checks import checked_name, checked_number, checked_span
from diarspk.errors import ArgumentError

__all__ = ["EditableTurn"]


@dataclass(frozen=True)
class EditableTurn:
    """Turn of one speaker.

    Attributes
    ----------
    number : int
        Stays the same under all operations, and is in no other turn of the recording.
    start, end : float
        Seconds, in whole milliseconds.
    speaker : str
        Composed accents, single spaces.
    confidence : float, optional
        Of the diarizer, in [0, 1], to three digits; None for what a person has set.
    reviewed : bool
        Whether a person has approved or corrected it.

    Raises
    ------
    ArgumentError
        If the end is not after the start, a time is not finite, or the name is blank.
    """

    number: int
    start: float
    end: float
    speaker: str
    confidence: float | None = None
    reviewed: bool = False

    def __post_init__(self) -> None:
        """Check and round all fields."""
        start, end = checked_span(self.start, self.end)
        fields: dict[str, Any] = {
            "number": checked_number(self.number, "number"),
            "start": start,
            "end": end,
            "speaker": checked_name(self.speaker, "speaker"),
            "confidence": _checked_confidence(self.confidence),
        }
        if not isinstance(self.reviewed, bool):
            raise ArgumentError(f"`reviewed` must be true or false, got {self.reviewed!r}.")
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start

    @property
    def order(self) -> tuple[float, float, str, int]:
        """Turns are listed by start, then by end, speaker and number."""
        return self.start, self.end, self.speaker, self.number

    def overlap(self, other: EditableTurn) -> float:
        """Seconds in common with another turn."""
        return max(min(self.end, other.end) - max(self.start, other.start), 0.0)

    def to_json(self) -> dict[str, Any]:
        """Fields for JSON; an unknown confidence and ``reviewed: false`` are left out."""
        fields: dict[str, Any] = {
            "number": self.number,
            "start": self.start,
            "end": self.end,
            "speaker": self.speaker,
        }
        if self.confidence is not None:
            fields["confidence"] = self.confidence
        if self.reviewed:
            fields["reviewed"] = True
        return fields

    @classmethod
    def from_json(cls, fields: object) -> EditableTurn:
        """Read what :meth:`to_json` made.

        Raises
        ------
        ArgumentError
            If a field is missing, unknown or wrong.
        """
        if not isinstance(fields, Mapping):
            raise ArgumentError(f"a turn must be an object with its fields, got {brief(fields)}.")
        missing = [name for name in ("number", "start", "end", "speaker") if name not in fields]
        unknown = [str(name) for name in fields if name not in cls.__dataclass_fields__]
        if missing or unknown:
            fault = f"have {missing[0]!r}" if missing else f"have no {unknown[0]!r}"
            raise ArgumentError(f"a turn must {fault}, got {brief(dict(fields))}.")
        return cls(**fields)


def _checked_confidence(value: object) -> float | None:
    if value is None:
        return None
    return round(check_number(value, "confidence", minimum=0.0, maximum=1.0), 3)
