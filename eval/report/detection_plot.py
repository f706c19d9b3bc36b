"""Pictures of verification: detection error trade-off, and where the scores lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from diarspk.verification.metrics import DetectionCurve

__all__ = ["plot_det", "plot_scores"]

TICKS = (0.001, 0.01, 0.05, 0.2, 0.4)
TARGET_COLOUR, OTHER_COLOUR = "#4477aa", "#ee6677"
"""Distinct also without colour vision (Tol, bright scheme)."""


def plot_det(curves: Mapping[str, DetectionCurve], path: Path) -> None:
    """Draw misses against false alarms on normal deviates (Martin et al., 1997).

    Scores of two Gaussians of equal width are a straight line there.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot()
    limits = norm.ppf([TICKS[0], 0.6])
    axes.plot(limits, limits, color="0.8", linewidth=1)
    for name, curve in curves.items():
        label = f"{name}, EER {100 * curve.equal_error_rate:.2f} %"
        axes.plot(_deviate(curve.false_alarm_rates), _deviate(curve.miss_rates), label=label)
    texts = [f"{100 * tick:g}" for tick in TICKS]
    axes.set_xticks(norm.ppf(TICKS), texts)
    axes.set_yticks(norm.ppf(TICKS), texts)
    axes.set_xlim(*limits)
    axes.set_ylim(*limits)
    axes.set_xlabel("false alarms, %")
    axes.set_ylabel("misses, %")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def plot_scores(
    scores: NDArray[np.float64], labels: NDArray[np.bool_], path: Path, *, threshold: float
) -> None:
    """Draw the densities of target and of non-target scores, and a threshold."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.add_subplot()
    bins = np.histogram_bin_edges(scores, bins=60).tolist()
    for chosen, colour, name in (
        (labels, TARGET_COLOUR, "same speaker"),
        (~labels, OTHER_COLOUR, "different speakers"),
    ):
        axes.hist(scores[chosen], bins, density=True, color=colour, alpha=0.6, label=name)
    axes.axvline(threshold, color="0.3", linewidth=1)
    axes.set_xlabel("score")
    axes.set_ylabel("density")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def _deviate(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(norm.ppf(np.clip(rates, 1e-6, 1 - 1e-6)))
