"""Correlation of kinds of embeddings: agreement of their similarities between utterances.

Spaces of different dimensions have no coordinates in common, but each says how alike two utterances
are. The correlation of two kinds is that (Pearson's) of the cosines that they give the same pairs:
representational similarity analysis (Kriegeskorte et al. 2008).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill

import numpy as np
from numpy.typing import NDArray

__all__ = ["correlate", "plot_correlations"]

Matrix = NDArray[np.float64]

LONG_NAME = 28
"""Characters from which the name of a kind takes another line."""


def correlate(cosines: Sequence[NDArray[np.float32]]) -> Matrix:
    """Correlation matrix ``(kinds, kinds)`` of cosines ``(trials,)`` of each kind."""
    return np.atleast_2d(np.corrcoef(np.stack(cosines).astype(np.float64)))


def plot_correlations(matrices: Mapping[str, Matrix], kinds: Sequence[str], path: Path) -> None:
    """Draw matrices side by side, kinds numbered; the suffix of ``path`` gives the format."""
    from matplotlib.figure import Figure

    size = 1.5 + 0.4 * len(kinds)
    figure = Figure(figsize=(size * len(matrices) + 4, size), layout="constrained")
    numbers = range(1, len(kinds) + 1)
    names = [fill(kind.replace("+", " + "), LONG_NAME) for kind in kinds]
    panels = figure.subplots(1, len(matrices), squeeze=False, sharey=True)[0]
    for axes, (title, matrix) in zip(panels, matrices.items(), strict=True):
        image = axes.imshow(matrix, vmin=0, vmax=1, cmap="viridis")
        axes.set_title(title)
        axes.set_xticks(range(len(kinds)), numbers)
        axes.set_yticks(
            range(len(kinds)),
            [f"{name}  {number}" for number, name in zip(numbers, names, strict=True)],
        )
        for (row, column), value in np.ndenumerate(matrix):
            colour = "white" if value < 0.6 else "black"
            axes.annotate(
                f"{value:.2f}", (column, row), ha="center", va="center", color=colour, fontsize=7
            )
    figure.colorbar(image, ax=panels, label="correlation of cosines", shrink=0.8)
    figure.savefig(path, dpi=150)
