"""Checks of arguments that a caller passes: what is wrong is told with the argument's name."""

from __future__ import annotations

import math
import os
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError

__all__ = ["as_numbers", "check_count", "check_flag", "check_number", "check_path"]


def check_flag(value: object, name: str) -> bool:
    """Check that a value is True or False, of Python or of numpy.

    Raises
    ------
    ArgumentError
        Otherwise.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise ArgumentError(f"`{name}` must be True or False, got {_shown(value)}")


def check_path(value: object, name: str) -> str | Path:
    """Check that a value can be a path, or a name: text, or what stands for a path.

    Raises
    ------
    ArgumentError
        Otherwise, and for a null character, which no path holds.
    """
    if isinstance(value, str | os.PathLike):
        text = os.fspath(value)
        if isinstance(text, str) and "\0" not in text:
            return text if isinstance(value, str) else Path(text)
    raise ArgumentError(f"`{name}` must be a name or a path, got {_shown(value)}")


def check_number(
    value: object, name: str, *, minimum: float = -math.inf, maximum: float = math.inf
) -> float:
    """Check that a value is a finite number within bounds.

    Raises
    ------
    ArgumentError
        Otherwise.
    """
    if not isinstance(value, bool) and isinstance(value, Real):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number) and minimum <= number <= maximum:
            return number
    bounds = [f"from {minimum:g}"] * math.isfinite(minimum) + [f"up to {maximum:g}"] * (
        math.isfinite(maximum)
    )
    wanted = " ".join(["a finite number", *bounds])
    raise ArgumentError(f"`{name}` must be {wanted}, got {_shown(value)}")


def check_count(value: object, name: str, *, minimum: int = 1, maximum: int | None = None) -> int:
    """Check that a value is a whole number within bounds.

    Raises
    ------
    ArgumentError
        Otherwise.
    """
    if not isinstance(value, bool) and isinstance(value, Integral):
        number = int(value)
        if number >= minimum and (maximum is None or number <= maximum):
            return number
    limit = "" if maximum is None else f" to {maximum}"
    raise ArgumentError(
        f"`{name}` must be a whole number from {minimum}{limit}, got {_shown(value)}"
    )


def as_numbers(values: object, name: str) -> NDArray[np.float64]:
    """Copy values into an array of floats, of any shape.

    Raises
    ------
    ArgumentError
        If they are no numbers, or rows of several lengths.
    """
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"`{name}` must be an array of numbers, got {_shown(values)}") from None


def _shown(value: object) -> str:
    """Short form of a value for a message."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{type(value).__name__} {text[:50]}..."
