"""Parallel coordinates of the table of cues: a line for each cue, an axis for each column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.cues.table import Column, CueTable

__all__ = ["draw_parallel", "scale_columns"]

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")
"""Distinct also without colour vision (Tol, bright scheme)."""

MARKERS = ("o", "s", "^", "D")
"""After every colour has been used, the next one."""

STYLES = ("-", "--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)))


def scale_columns(table: CueTable) -> tuple[list[Column], NDArray[np.float64]]:
    """Columns with two figures at least, and where they lie on their axes, ``(rows, columns)``.

    The worst figure is at 0 and the best at 1; where neither is better, the lowest is at 0. Equal
    figures are at 0.5, missing ones NaN.
    """
    cells = [[table.value(row, column) for column in table.columns] for row in table.rows]
    values = np.array(cells, np.float64).reshape(len(table.rows), len(table.columns))
    drawn = [place for place in range(values.shape[1]) if np.isfinite(values[:, place]).sum() > 1]
    columns, values = [table.columns[place] for place in drawn], values[:, drawn]
    for place, column in enumerate(columns):
        low, high = np.nanmin(values[:, place]), np.nanmax(values[:, place])
        span = high - low
        share = (values[:, place] - low + 0.5 * (span == 0)) / (span or 1)
        values[:, place] = 1 - share if column.better == "low" else share
    return columns, values


def draw_parallel(table: CueTable, path: Path) -> None:
    """Draw the table; the suffix of ``path`` gives the format.

    Each axis ends at its worst (below) and best (above) figure, which are written there. A line
    breaks where a figure is missing; a figure between two missing ones is a dot.
    """
    from matplotlib.figure import Figure

    columns, places = scale_columns(table)
    width = max(4.0, 1.25 * len(columns))
    figure = Figure(figsize=(width + 3, 5.5), layout="constrained")
    axes = figure.add_subplot()
    encoders = list(dict.fromkeys(encoder for encoder, _ in table.rows))
    seen = dict.fromkeys(encoders, 0)
    for (encoder, cue), line in zip(table.rows, places, strict=True):
        lap, colour = divmod(encoders.index(encoder), len(COLOURS))
        axes.plot(
            line,
            linestyle=STYLES[seen[encoder] % len(STYLES)],
            marker=MARKERS[lap % len(MARKERS)],
            markersize=4 + seen[encoder] // len(STYLES),
            linewidth=1.4,
            color=COLOURS[colour],
            label=f"{encoder} / {cue}",
        )
        seen[encoder] += 1
    for place, column in enumerate(columns):
        axes.axvline(place, color="0.85", linewidth=1, zorder=0)
        known = [one for row in table.rows if (one := table.value(row, column)) is not None]
        ends = sorted(known, reverse=column.better == "low")
        for height, value, side in ((0, ends[0], "top"), (1, ends[-1], "bottom")):
            axes.annotate(
                column.write(value),
                (place, height),
                ha="center",
                va=side,
                fontsize=8,
                xytext=(0, -6 if side == "top" else 6),
                textcoords="offset points",
            )
    headings = [f"{one.heading}{'' if one.better == 'none' else ' *'}" for one in columns]
    axes.set_xticks(range(len(columns)), headings, rotation=35, ha="right")
    axes.set_yticks([])
    axes.set_ylim(-0.12, 1.12)
    axes.set_ylabel("up: more, and better where marked *")
    axes.legend(
        frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, handlelength=4
    )
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.savefig(path, dpi=150)
