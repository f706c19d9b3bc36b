"""Tables as plain aligned text, the same on a terminal and in a pipe."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["aligned"]


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Pad cells to columns: the first column starts at the left, the others end at the right.

    Examples
    --------
    >>> print(aligned(["file", "DER"], [["meeting", "9.5"], ["all", "12.25"]]))
    file       DER
    meeting    9.5
    all      12.25
    """
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (
        [first.ljust(widths[0]), *map(str.rjust, others, widths[1:])] for first, *others in lines
    )
    return "\n".join("  ".join(line).rstrip() for line in padded)
