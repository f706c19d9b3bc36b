"""Fields of parsed JSON, or of a recogniser's objects; every fault names its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diarspk.errors import FormatError
from diarspk.formats.names import plain_name

__all__ = ["Item"]


class Item:
    """One object of a transcript, with its place in the document for errors.

    Parameters
    ----------
    value : mapping or object
        Parsed JSON, or an object with attributes, such as faster-whisper's segments.
    file : str
        Name of the file.
    place : str
        Such as ``segments[3]``; empty for the whole.
    """

    def __init__(self, value: Any, file: str, place: str = "") -> None:
        self.value = value
        self.file = file
        self.place = place
        if value is None or isinstance(value, str | int | float | list | tuple):
            raise self.fault("", f"must be an object, got {_brief(value)}")

    def get(self, *names: str) -> Any:
        """Find the value of the first of several names that is there; None if there is none."""
        for name in names:
            if isinstance(self.value, dict):
                found = self.value.get(name)
            else:
                found = getattr(self.value, name, None)
            if found is not None:
                return found
        return None

    def text(self, *names: str, default: str | None = None) -> str:
        """Read the text of a field; without a default, it must be there."""
        found = self.get(*names)
        if found is None and default is not None:
            return default
        if not isinstance(found, str):
            raise self.fault(names[0], f"must be a text, got {_brief(found)}")
        return found

    def number(self, *names: str) -> float | None:
        """Read the number of a field; None if it is missing or null. NaN passes."""
        found = self.get(*names)
        if found is None:
            return None
        try:
            if isinstance(found, bool):
                raise TypeError
            return float(found)
        except (TypeError, ValueError, OverflowError):
            raise self.fault(
                names[0], f"must be a number of seconds, or null, got {_brief(found)}"
            ) from None

    def items(self, name: str) -> list[Item] | None:
        """List the objects of a list; None if there is none."""
        found = self.get(name)
        if found is None:
            return None
        if not isinstance(found, Sequence) or isinstance(found, str):
            raise self.fault(name, f"must be a list, got {_brief(found)}")
        place = self._place(name)
        return [Item(one, self.file, f"{place}[{index}]") for index, one in enumerate(found)]

    def speaker(self) -> str | None:
        """Read the name of the speaker, as far as the document knows it."""
        found = self.get("speaker", "speaker_id")
        return None if found is None else plain_name(found)

    def fault(self, name: str, text: str) -> FormatError:
        """Make the error of a field."""
        return FormatError(f"{self._place(name)} {text}".strip(), self.file)

    def _place(self, name: str) -> str:
        return f"{self.place}.{name}".strip(".")


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
