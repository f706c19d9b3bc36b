"""Pictures of diarization: errors as stacked bars, and how far confidence can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.diarization.conversation import collection_title
from eval.diarization.results import Summary

__all__ = ["plot_errors", "plot_reliability"]

Bin = tuple[float, int, float, float, float]

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
    labels = [
        f"{collection_title(summary.collection, summary.reference)}\n{summary.system}"
        for summary in summaries
    ]
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


def plot_reliability(bins: Sequence[Bin], path: Path) -> None:
    """Draw what turns of a confidence were right in truth; dots grow with the seconds of speech.

    Parameters
    ----------
    bins : sequence of (lower edge, turns, seconds, mean confidence, share right)
        As :func:`eval.diarization.confidence.reliability` returns them.
    path : Path
        Its suffix gives the format of the picture.
    """
    from matplotlib.figure import Figure

    _, _, seconds, said, right = zip(*bins, strict=True)
    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.8", linewidth=1)
    axes.plot(said, right, color=COLOURS["miss"], linewidth=1)
    sizes = [10 + 400 * part / sum(seconds) for part in seconds]
    axes.scatter(said, right, sizes, color=COLOURS["miss"])
    axes.set_xlabel("mean confidence of turns")
    axes.set_ylabel("share of their time that is right")
    axes.set_aspect("equal")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
