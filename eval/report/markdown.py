"""Markdown tables that also read as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from diarspk.cli.table import pad_columns

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
    lines = [[cell.replace("|", r"\|") for cell in row] for row in (header, *rows)]
    figures = [bool(rows) and all(map(_is_figure, cells)) for _, *cells in zip(*lines, strict=True)]
    head, *body = pad_columns(lines, figures)
    rule = [
        f"{'-' * (cell_len(cell) + 1)}:" if right else f":{'-' * (cell_len(cell) + 1)}"
        for cell, right in zip(head, figures, strict=True)
    ]
    rows_of_text = (f"| {' | '.join(row)} |" for row in body)
    return "\n".join([f"| {' | '.join(head)} |", f"|{'|'.join(rule)}|", *rows_of_text])


def _is_figure(cell: str) -> bool:
    return cell == "-" or cell.replace(".", "", 1).lstrip("+-").isdigit()
