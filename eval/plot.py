"""Stacked bars of miss, false alarm and confusion: a bar per set and system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.outcome import Summary

__all__ = ["plot_errors"]

COLOURS = {"miss": "#4477aa", "false alarm": "#ccbb44", "confusion": "#ee6677"}
"""Distinct also without colour vision (Tol, bright scheme)."""


def plot_errors(summaries: Sequence[Summary], path: Path) -> None:
    """Draw the pooled error shares into a picture; the suffix of ``path`` gives its format."""
    from matplotlib.figure import Figure

    shares = {
        "miss": [summary.components.miss_rate for summary in summaries],
        "false alarm": [summary.components.false_alarm_rate for summary in summaries],
        "confusion": [summary.components.confusion_rate for summary in summaries],
    }
    labels = [f"{summary.collection}\n{summary.system}" for summary in summaries]
    figure = Figure(figsize=(2 + 1.2 * len(labels), 4), layout="constrained")
    axes = figure.add_subplot()
    below = [0.0] * len(labels)
    for error, values in shares.items():
        percent = [100 * value for value in values]
        axes.bar(labels, percent, 0.6, bottom=below, label=error, color=COLOURS[error])
        below = [one + other for one, other in zip(below, percent, strict=True)]
    for position, total in enumerate(below):
        axes.annotate(f"{total:.1f}", (position, total), ha="center", va="bottom")
    axes.set_ylabel("diarization error rate, % of reference speech")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
