"""The table of cues: a row for each cue of each encoder, a column for each use of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from eval.report.markdown import markdown_table

__all__ = ["Column", "CueTable", "Figure", "Row"]

Row = tuple[str, str]
"""Encoder and cue."""

PREFIX = "utterance"


@dataclass(frozen=True)
class Column:
    """A figure that cues are compared by.

    Attributes
    ----------
    name : str
    better : {"low", "high", "none"}
        Which way is better; ``none`` for what a cue carries, which is good or bad by its use.
    unit : {"%", "dB", ""}
        Shares are stored in [0, 1] and written in %.
    """

    name: str
    better: Literal["low", "high", "none"]
    unit: Literal["%", "dB", ""] = "%"

    @property
    def heading(self) -> str:
        """Name and unit."""
        return f"{self.name} {self.unit}".strip()

    def write(self, value: float | None) -> str:
        """Figure as the table has it; a dash where it is missing."""
        if value is None or not math.isfinite(value):
            return "-"
        if self.unit == "%":
            return f"{100 * value:.1f}"
        return f"{value:.2f}"


@dataclass(frozen=True)
class Figure:
    """A value and where it comes from: a file, or ``measured here``."""

    value: float
    source: str


@dataclass(frozen=True)
class CueTable:
    """Figures by row and column; what is not there is missing, and never filled in."""

    rows: Sequence[Row]
    columns: Sequence[Column]
    figures: Mapping[tuple[Row, str], Figure] = field(default_factory=dict)

    def value(self, row: Row, column: Column) -> float | None:
        """Figure of a cell; None where it is missing."""
        found = self.figures.get((row, column.name))
        return None if found is None or not math.isfinite(found.value) else found.value

    @property
    def missing(self) -> list[tuple[Row, str]]:
        """Cells without a figure."""
        return [
            (row, column.name)
            for row in self.rows
            for column in self.columns
            if self.value(row, column) is None
        ]

    def best(self, column: Column) -> Row | None:
        """Row that is best by a column; None where there is no telling."""
        known = {row: one for row in self.rows if (one := self.value(row, column)) is not None}
        if column.better == "none" or len(known) < 2:
            return None
        return (min if column.better == "low" else max)(known, key=lambda row: known[row])

    def markdown(self) -> str:
        """Table, then which cue is best for each use, in plain words."""
        if not self.rows:
            return "No cue was measured."
        cells = [
            [*row, *(column.write(self.value(row, column)) for column in self.columns)]
            for row in self.rows
        ]
        header = ["encoder", "cue", *(column.heading for column in self.columns)]
        return f"{markdown_table(header, cells)}\n\n{self.conclude()}"

    def conclude(self) -> str:
        """Name the best cue for each use that has two figures at least."""
        lines = []
        winners = set()
        for column in self.columns:
            row = self.best(column)
            if row is not None:
                winners.add(row)
                value = column.write(self.value(row, column))
                lines.append(f"- {column.name}: best is {' / '.join(row)}, {value} {column.unit}")
        if len(lines) > 1:
            verdict = "One cue is best for all" if len(winners) == 1 else "No cue is best for all"
            lines.append(f"- {verdict} of these {len(lines)} uses.")
        missing = len(self.missing)
        total = len(self.rows) * len(self.columns)
        if missing:
            lines.append(f"- {missing} of {total} figures are missing (-): not measured, not zero.")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Every figure with its source; null where it is missing."""
        return {
            "columns": [asdict(column) for column in self.columns],
            "rows": [
                {
                    "encoder": row[0],
                    "cue": row[1],
                    "figures": {
                        column.name: self._describe(row, column) for column in self.columns
                    },
                }
                for row in self.rows
            ],
        }

    def _describe(self, row: Row, column: Column) -> dict[str, Any] | None:
        if self.value(row, column) is None:
            return None
        return asdict(self.figures[row, column.name])
