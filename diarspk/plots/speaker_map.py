"""Map of the speakers: turns as points in the plane that keeps most of their differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.plots.figure import INK, new_figure, plain, speaker_colours
from diarspk.plots.turn_embeddings import TurnEmbeddings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_speaker_map", "principal_plane"]

MARKERS = "osD^vP*"
"""Another one after seven speakers, when the colours come again."""


def plot_speaker_map(turns: TurnEmbeddings, *, title: str = "", width: float = 7.0) -> Figure:
    """Plot every turn in the plane of the first two principal components.

    The area of a point grows with its seconds; a cross is the mean of a speaker. The axes say which
    share of the variance they show: what is near in the plane may be far apart in the others.

    Parameters
    ----------
    turns : TurnEmbeddings
    title : str
    width : float
        Inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(width, 0.75 * width)
    if not turns.speakers:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no turn is long enough", transform=axes.transAxes, ha="center")
        return figure
    points, shares = principal_plane(turns.vectors)
    seconds = np.array([segment.duration for segment in turns.segments])
    colours = speaker_colours(turns.order)
    for place, speaker in enumerate(turns.order):
        own = np.array([name == speaker for name in turns.speakers])
        axes.scatter(
            points[own, 0],
            points[own, 1],
            s=12 + 18 * seconds[own],
            color=colours[speaker],
            marker=MARKERS[place // len(MARKERS) % len(MARKERS)],
            alpha=0.65,
            linewidth=0,
            # A legend leaves out what begins with an underscore.
            label=f" {plain(speaker)} ({seconds[own].sum():.0f} s)",
        )
        mean = np.average(points[own], axis=0, weights=seconds[own])
        axes.scatter(mean[0], mean[1], s=70, color=INK, marker="x", linewidth=1.5, zorder=3)
    axes.set_xlabel(f"first component, {100 * shares[0]:.0f} % of the variance")
    axes.set_ylabel(f"second component, {100 * shares[1]:.0f} %")
    axes.set_aspect("equal", adjustable="datalim")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    if title:
        axes.set_title(plain(title), loc="left")
    return figure


def principal_plane(
    vectors: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project vectors on their first two principal components.

    Returns
    -------
    points : NDArray of float64, shape (n, 2)
        The sign of a component is that in which its largest weight is positive.
    shares : NDArray of float64, shape (2,)
        Share of the variance in each.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, values, axes = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((2, vectors.shape[1]))
    plane[: len(axes[:2])] = axes[:2]
    largest = np.abs(plane).argmax(axis=1)
    plane *= np.where(plane[np.arange(2), largest] < 0, -1.0, 1.0)[:, None]
    variances = np.zeros(2)
    variances[: len(values[:2])] = values[:2] ** 2
    total = float((values**2).sum())
    return centred @ plane.T, variances / total if total > 0 else variances
