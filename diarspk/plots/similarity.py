"""Similarity matrix: the cosine of every turn with every other one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diarspk.plots.figure import INK, new_figure, plain
from diarspk.plots.turn_embeddings import TurnEmbeddings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_similarity"]


def plot_similarity(turns: TurnEmbeddings, *, title: str = "", width: float = 7.0) -> Figure:
    """Plot the cosine similarities of turns, sorted by speaker and time, with a line between them.

    One speaker is a bright square on the diagonal. A bright square beside it says that two speakers
    may be one; a dark cross in a square, that a turn is somebody else's.

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
    grouped = turns.grouped()
    figure, axes = new_figure(width, width - 0.8)
    axes.spines[:].set_visible(False)
    count = len(grouped.speakers)
    if not count:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no turn is long enough", transform=axes.transAxes, ha="center")
        return figure
    cosines = np.clip(grouped.vectors @ grouped.vectors.T, -1, 1)
    picture = axes.imshow(cosines, cmap="viridis", vmin=min(0.0, cosines.min()), vmax=1.0)
    bar = figure.colorbar(picture, ax=axes, shrink=0.8, label="cosine similarity")
    bar.outline.set_visible(False)
    names = grouped.order
    sizes = [grouped.speakers.count(name) for name in names]
    edges = np.cumsum([0, *sizes]) - 0.5
    for edge in edges[1:-1]:
        axes.axhline(edge, color="white", linewidth=1.2)
        axes.axvline(edge, color="white", linewidth=1.2)
    middles = (edges[:-1] + edges[1:]) / 2
    labels = [
        f"{plain(name)}\n{size} turn{'s' if size > 1 else ''}"
        for name, size in zip(names, sizes, strict=True)
    ]
    axes.set_yticks(middles, labels)
    axes.set_xticks(
        middles, list(map(plain, names)), rotation=45, ha="right", rotation_mode="anchor"
    )
    axes.tick_params(length=0, colors=INK)
    if title:
        axes.set_title(plain(title), loc="left")
    return figure
