"""Tables as plain aligned text, the same on a terminal and in a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len

__all__ = ["aligned", "pad_columns"]


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Pad cells to columns: the first column starts at the left, the others end at the right.

    Examples
    --------
    >>> print(aligned(["file", "DER"], [["meeting", "9.5"], ["all", "12.25"]]))
    file       DER
    meeting    9.5
    all      12.25
    """
    lines = pad_columns([header, *rows], [column > 0 for column in range(len(header))])
    return "\n".join("  ".join(line).rstrip() for line in lines)


def pad_columns(lines: Sequence[Sequence[str]], right: Sequence[bool]) -> Iterator[list[str]]:
    """Pad cells to the width of their column on a terminal, where some characters take two cells.

    Parameters
    ----------
    lines
        Of as many cells each.
    right
        Whether a column ends at the right.
    """
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        spaces = [" " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)]
        yield [
            space + cell if end else cell + space
            for cell, space, end in zip(line, spaces, right, strict=True)
        ]
