"""Processing of rows in blocks, so that memory does not grow with the recording."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["blocks"]

BLOCK_ROWS = 10_000
"""Rows of a block: frames of a few minutes."""


def blocks(rows: int, size: int = BLOCK_ROWS) -> Iterator[slice]:
    """Yield consecutive slices of at most ``size`` rows that cover ``rows`` rows."""
    for first in range(0, rows, size):
        yield slice(first, min(first + size, rows))
