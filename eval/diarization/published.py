"""Error rates that others have published, with the set, the reference and the source of each."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from pathlib import Path

from diarspk.errors import FormatError
from eval.report.markdown import markdown_table

__all__ = ["PublishedFigure", "format_published", "read_published"]

PUBLISHED = Path(__file__).with_name("published.csv")


@dataclass(frozen=True)
class PublishedFigure:
    """Error rate that somebody has published.

    Attributes
    ----------
    system, released : str
        Name, and the date of the release.
    set, reference, convention : str
        What was scored, against whose turns, and by which rules.
    remark, source : str
    der : float
        Percent.
    """

    system: str
    released: str
    set: str
    reference: str
    convention: str
    remark: str
    source: str
    der: float


def read_published(path: Path = PUBLISHED) -> list[PublishedFigure]:
    """Read published figures.

    Raises
    ------
    FormatError
        With the line, if a row lacks a value or the error rate is no number.
    """
    columns = [field.name for field in fields(PublishedFigure)]
    found = []
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        if next(rows, []) != columns:
            raise FormatError(f"must have the columns {','.join(columns)}", str(path), 1)
        for row in rows:
            if len(row) != len(columns) or not all(row):
                raise FormatError("must have a value in every column", str(path), rows.line_num)
            values = dict(zip(columns, row, strict=True))
            rate = values.pop("der")
            try:
                found.append(PublishedFigure(**values, der=float(rate)))
            except ValueError:
                raise FormatError(
                    f"`der` must be a number, got {rate!r}", str(path), rows.line_num
                ) from None
    return found


def format_published(figures: Sequence[PublishedFigure]) -> str:
    """Markdown: a table for each reference, since figures of two do not compare."""
    header = ("set", "system", "released", "DER %", "convention", "remark", "source")
    parts = []
    for reference, group in groupby(figures, lambda figure: figure.reference):
        rows = [
            [
                *(one.set, one.system, one.released, f"{one.der:g}"),
                *(one.convention, one.remark, one.source),
            ]
            for one in group
        ]
        parts.append(f"### Reference: {reference}\n\n{markdown_table(header, rows)}")
    return "\n\n".join(parts)
