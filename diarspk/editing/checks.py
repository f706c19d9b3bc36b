"""Checks of what operations are given: times to the millisecond, names, and numbers of turns."""

from __future__ import annotations

from collections.abc import Iterable
from reprlib import repr as brief

from diarspk.arguments import check_count, check_number
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
]

MAX_S = 1e9
"""Times from here on are in another unit."""

MAX_NUMBER = 2**53
"""Numbers of turns from here on are not exact in every program that reads JSON."""


def to_milliseconds(seconds: float) -> float:
    """Round a time to the millisecond, as files hold it."""
    return round(float(seconds) * 1000) / 1000


def checked_seconds(value: object, argument: str) -> float:
    """Round a time in seconds to the millisecond.

    Raises
    ------
    ArgumentError
        If it is no number, not finite, or negative.
    """
    return to_milliseconds(check_number(value, argument, minimum=0.0, maximum=MAX_S))


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
    return check_count(value, argument, minimum=0, maximum=MAX_NUMBER)


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
