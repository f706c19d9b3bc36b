"""Differences of spans, ``(start, end)`` in seconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

__all__ = ["Span", "subtract"]

Span: TypeAlias = "tuple[float, float]"


def subtract(span: Span, others: Iterable[Span]) -> list[Span]:
    """List what is left of a span without others, in order.

    Examples
    --------
    >>> subtract((0.0, 10.0), [(2.0, 3.0), (9.0, 12.0)])
    [(0.0, 2.0), (3.0, 9.0)]
    """
    left = []
    start, end = span
    for first, last in sorted(others):
        if first > start:
            left.append((start, min(first, end)))
        start = max(start, last)
        if start >= end:
            return left
    return [*left, (start, end)]
