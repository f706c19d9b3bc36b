"""Cells of tables: figures, shares in percent, intervals; a dash for what is not known."""

from __future__ import annotations

import math

__all__ = ["UNKNOWN", "interval_cell", "number_cell", "percent_cell"]

UNKNOWN = "-"


def number_cell(value: float | None, digits: int = 2) -> str:
    """Format a figure with so many decimals; a dash for none, and for what is not a number.

    Examples
    --------
    >>> number_cell(0.1234), number_cell(None)
    ('0.12', '-')
    """
    return UNKNOWN if value is None or math.isnan(value) else f"{value:.{digits}f}"


def percent_cell(share: float | None, digits: int = 1) -> str:
    """Format a share in percent, without the sign, which stands in the header.

    Examples
    --------
    >>> percent_cell(0.1234), percent_cell(0.1234, 2), percent_cell(math.nan)
    ('12.3', '12.34', '-')
    """
    return number_cell(None if share is None else 100 * share, digits)


def interval_cell(
    value: float, low: float, high: float, digits: int = 2, *, percent: bool = False
) -> str:
    """Format a figure, or a share in percent, and its interval.

    Examples
    --------
    >>> interval_cell(0.1234, 0.1, 0.15, 1, percent=True)
    '12.3 [10.0, 15.0]'
    """
    cell = percent_cell if percent else number_cell
    return f"{cell(value, digits)} [{cell(low, digits)}, {cell(high, digits)}]"
