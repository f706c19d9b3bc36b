"""Checks of what operations are given: times to the millisecond, names, and numbers of turns."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real
from reprlib import repr as brief

from diarspk.errors import ArgumentError
from diarspk.formats.names import plain_name

__all__ = [
    "checked_name",
    "checked_names",
    "checked_number",
    "checked_numbers",
    "checked_seconds",
    "checked_span",
    "to_milliseconds",
    "to_number",
]

MAX_S = 1e9
"""Times from here on are in another unit."""

MAX_NUMBER = 2**53
"""Numbers of turns from here on are not exact in every program that reads JSON."""


def to_milliseconds(seconds: float) -> float:
    """Round a time to the millisecond, as files hold it."""
    return round(float(seconds) * 1000) / 1000


def to_number(value: object) -> float:
    """Convert a number; NaN for everything else, text and truth values included."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def checked_seconds(value: object, argument: str) -> float:
    """Round a time in seconds to the millisecond.

    Raises
    ------
    ArgumentError
        If it is no number, not finite, or negative.
    """
    seconds = to_number(value)
    if not 0 <= seconds < MAX_S:
        raise ArgumentError(
            f"`{argument}` must be a time in seconds, from 0 to {MAX_S:g}, got {brief(value)}."
        )
    return to_milliseconds(seconds)


def checked_span(start: object, end: object) -> tuple[float, float]:
    """Round a span in seconds to the millisecond.

    Raises
    ------
    ArgumentError
        If a time is none, or the end is not after the start.
    """
    first, last = checked_seconds(start, "start"), checked_seconds(end, "end")
    if not first < last:
        raise ArgumentError(
            f"`end` must be after `start` by a millisecond or more, got {start!r} to {end!r}."
        )
    return first, last


def checked_name(value: object, argument: str) -> str:
    """Write a speaker's name in the one form that it has: composed accents, single spaces.

    Raises
    ------
    ArgumentError
        If it is no text, or blank.
    """
    name = " ".join(plain_name(value).split()) if isinstance(value, str) else ""
    if not name:
        raise ArgumentError(
            f"`{argument}` must be the name of a speaker, a text that is not blank, got "
            f"{brief(value)}."
        )
    return name


def checked_names(values: object, argument: str) -> tuple[str, ...]:
    """Check a list of speakers' names; each stays once.

    Raises
    ------
    ArgumentError
        If it is no list, or one is no name.
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ArgumentError(f"`{argument}` must be a list of names, got {brief(values)}.")
    return tuple(dict.fromkeys(checked_name(value, argument) for value in values))


def checked_number(value: object, argument: str) -> int:
    """Check the number of a turn.

    Raises
    ------
    ArgumentError
        If it is no whole number from 0.
    """
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or not 0 <= to_number(value) < MAX_NUMBER:
        raise ArgumentError(f"`{argument}` must be the number of a turn, got {brief(value)}.")
    return int(value)  # type: ignore[call-overload, no-any-return]


def checked_numbers(values: object, argument: str) -> tuple[int, ...]:
    """Check the numbers of one turn or more, each once; a single one may come without a list.

    Raises
    ------
    ArgumentError
        If there is none, or one is no number of a turn.
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        values = (values,)
    numbers = tuple(dict.fromkeys(checked_number(value, argument) for value in values))
    if not numbers:
        raise ArgumentError(f"`{argument}` must be one turn or more, got none.")
    return numbers
