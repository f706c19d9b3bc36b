"""Rows a block at a time, so that memory does not grow with the recording."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["blocks"]

BLOCK_ROWS = 10_000
"""Frames of a few minutes."""


def blocks(rows: int, size: int = BLOCK_ROWS) -> Iterator[slice]:
    """Consecutive slices of at most ``size`` that cover so many rows."""
    for first in range(0, rows, size):
        yield slice(first, min(first + size, rows))
