"""Checks of arguments that a caller passes: what is wrong is told with the argument's name."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral, Real
from pathlib import Path
from types import UnionType
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError

__all__ = [
    "as_numbers",
    "check_choice",
    "check_count",
    "check_counts",
    "check_flag",
    "check_flags",
    "check_method",
    "check_number",
    "check_numbers",
    "check_pairs",
    "check_path",
    "check_sequence",
    "check_type",
    "check_types",
]


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
    value: object,
    name: str,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    above: float | None = None,
    below: float | None = None,
    finite: bool = True,
) -> float:
    """Check that a value is a number within bounds, ``above`` and ``below`` left out.

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
        # NaN is within no bounds.
        within = minimum <= number <= maximum
        within = within and (above is None or number > above) and (below is None or number < below)
        if within and (math.isfinite(number) or not finite):
            return number
    least = minimum if math.isfinite(minimum) else None
    most = maximum if math.isfinite(maximum) else None
    bounds = {"above": above, "from": least, "up to": most, "below": below}
    limits = [f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None]
    wanted = " ".join(["a finite number" if finite else "a number", *limits])
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


def check_numbers(
    settings: object,
    *names: str,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    above: float | None = None,
    below: float | None = None,
    finite: bool = True,
    optional: bool = False,
) -> None:
    """Check attributes of settings as :func:`check_number` does; ``optional`` ones may be None."""
    for name in names:
        value = getattr(settings, name)
        if not (optional and value is None):
            check_number(
                value,
                name,
                minimum=minimum,
                maximum=maximum,
                above=above,
                below=below,
                finite=finite,
            )


def check_counts(settings: object, *names: str, minimum: int = 1) -> None:
    """Check attributes of settings as :func:`check_count` does."""
    for name in names:
        check_count(getattr(settings, name), name, minimum=minimum)


def check_flags(settings: object, *names: str) -> None:
    """Check attributes of settings as :func:`check_flag` does."""
    for name in names:
        check_flag(getattr(settings, name), name)


def check_choice(settings: object, name: str, choices: object) -> None:
    """Check an attribute of settings: it must be among the texts of a ``Literal``.

    Raises
    ------
    ArgumentError
        Otherwise.
    """
    value, known = getattr(settings, name), get_args(choices)
    if not (isinstance(value, str) and value in known):
        raise ArgumentError(f"`{name}` must be one of {', '.join(known)}, got {_shown(value)}")


def check_type(value: object, name: str, kind: type | UnionType) -> None:
    """Check that a value is of a type, or of one of several.

    Raises
    ------
    ArgumentError
        Otherwise.
    """
    if not isinstance(value, kind):
        kinds = get_args(kind) or (kind,)
        wanted = " or ".join(one.__name__ for one in kinds).replace("NoneType", "None")
        raise ArgumentError(f"`{name}` must be {wanted}, got {_shown(value)}")


def check_types(settings: object, /, **kinds: type | UnionType) -> None:
    """Check attributes of settings as :func:`check_type` does: each is of the type of its name."""
    for name, kind in kinds.items():
        check_type(getattr(settings, name), name, kind)


def check_method(value: object, name: str, method: str, wanted: str) -> None:
    """Check that a value has a method: that it is something that is ``wanted``.

    Raises
    ------
    ArgumentError
        Otherwise, and for a class in place of its object.
    """
    if isinstance(value, type) or not callable(getattr(value, method, None)):
        raise ArgumentError(f"`{name}` must be {wanted}, got {_shown(value)}")


def check_sequence(values: object, name: str) -> list[Any]:
    """List the items of a list, a tuple, or an array of one axis.

    Raises
    ------
    ArgumentError
        For anything else, a text among it.
    """
    one_axis = isinstance(values, np.ndarray) and values.ndim == 1
    if one_axis or (isinstance(values, Sequence) and not isinstance(values, str | bytes)):
        return list(values)  # type: ignore[call-overload] # an array is one, too
    raise ArgumentError(f"`{name}` must be a list, got {_shown(values)}")


def check_pairs(values: object, name: str) -> Iterator[tuple[Any, Any]]:
    """Go through pairs, as far as they are some.

    Raises
    ------
    ArgumentError
        Where one is no tuple or list of two.
    """
    if not isinstance(values, Iterable):
        raise ArgumentError(f"`{name}` must be pairs, got {_shown(values)}")
    for pair in values:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ArgumentError(f"`{name}` must be pairs, got {_shown(pair)} among them")
        yield pair[0], pair[1]


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
