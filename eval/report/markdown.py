"""Markdown tables that also read as plain text."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["markdown_table"]


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table in Markdown, aligned as plain text too; figures end at the right.

    Examples
    --------
    >>> print(markdown_table(["system", "DER %"], [["ours", "9.5"], ["base", "12.25"]]))
    | system | DER % |
    |:-------|------:|
    | ours   |   9.5 |
    | base   | 12.25 |
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    numeric = [all(_is_figure(cell) for cell in column) for column in zip(*rows, strict=True)]
    rule = "|".join(
        f"{'-' * (width + 1)}:" if right else f":{'-' * (width + 1)}"
        for width, right in zip(widths, numeric, strict=True)
    )
    lines = [
        " | ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        for row in (header, *rows)
    ]
    return "\n".join([f"| {lines[0]} |", f"|{rule}|", *(f"| {line} |" for line in lines[1:])])


def _is_figure(cell: str) -> bool:
    return cell == "-" or cell.replace(".", "", 1).lstrip("+-").isdigit()
