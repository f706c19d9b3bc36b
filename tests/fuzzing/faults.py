"""What a reader may do with any input: read it, or say in one line what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diarspk.errors import DiarspkError

__all__ = ["MAX_TEXT", "fault_of"]

MAX_TEXT = 1000
"""Characters of the longest message: an input is named, not repeated."""


def fault_of(read: Callable[..., Any], *arguments: Any, **options: Any) -> str | None:
    """Message of the error with which an input is refused; None if it is read.

    Any other exception than those of the package passes, as does a message of several lines.
    """
    try:
        read(*arguments, **options)
    except DiarspkError as error:
        text = str(error)
        assert text.strip(), f"{type(error).__name__} without a word"
        assert len(text.splitlines()) == 1, f"several lines: {text!r}"
        assert len(text) < MAX_TEXT, f"too long: {text[:MAX_TEXT]!r}"
        return text
    return None
