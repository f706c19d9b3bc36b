"""Checks of numbers: bounds that count and that do not, and what a message says of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from diarspk.arguments import check_number, check_numbers
from diarspk.errors import ArgumentError


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        ({"minimum": 0.0, "maximum": 1.0}, [0, 1.0, np.float32(0.5)], [-1e-9, 1.1, math.nan]),
        ({"above": 0.0, "below": 1.0}, [1e-9, 0.999], [0.0, 1, -math.inf, math.inf]),
        ({}, [-1e308, 2**70], [math.inf, -math.inf, 10**400, True, "1", None, 1j]),
        ({"finite": False}, [math.inf, -math.inf], [math.nan, np.zeros(2)]),
        ({"minimum": 0.0, "finite": False}, [0.0, math.inf], [-math.inf, -1.0]),
    ],
)
def test_numbers_within_bounds(bounds: Any, inside: list[Any], outside: list[Any]) -> None:
    for value in inside:
        assert check_number(value, "n", **bounds) == value
    for value in outside:
        with pytest.raises(ArgumentError, match="`n` must be a"):
            check_number(value, "n", **bounds)


def test_a_message_tells_the_bounds() -> None:
    with pytest.raises(ArgumentError, match="`n` must be a finite number above 0 up to 1, got 0"):
        check_number(0, "n", above=0.0, maximum=1.0)
    with pytest.raises(ArgumentError, match="`n` must be a number from -1 below 2, got nan"):
        check_number(math.nan, "n", minimum=-1.0, below=2.0, finite=False)


def test_an_optional_setting_may_be_none() -> None:
    @dataclass
    class Settings:
        share: float | None = None

    check_numbers(Settings(), "share", optional=True)
    with pytest.raises(ArgumentError, match="`share` must be a finite number, got None"):
        check_numbers(Settings(), "share")
