"""Picture of the number of people found against the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from eval.counting.measurement import Measurement
from eval.counting.summary import group

__all__ = ["plot_counts"]

TICKS = (1, 2, 3, 4, 6, 8, 12, 20, 40, 60)
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")
"""Distinct also without colour vision (Tol, bright scheme)."""


def plot_counts(measurements: Sequence[Measurement], path: Path) -> None:
    """Draw a dot for each pair of true and found number; it grows with the sessions that have it.

    Only what systems found when they were told nothing; a panel for each system. The suffix of
    ``path`` gives the format of the picture.
    """
    from matplotlib.figure import Figure

    automatic = [one for one in measurements if one.condition == "automatic"]
    systems = group(automatic, lambda one: one.system)
    figure = Figure(figsize=(4.2 * len(systems), 4.4), layout="constrained")
    panels = figure.subplots(1, len(systems), squeeze=False, sharey=True)[0]
    top = 1.3 * max(max(one.people, one.found, TICKS[0]) for one in automatic)
    for panel, (system, own), colour in zip(panels, systems.items(), cycle(COLOURS), strict=False):
        counts = Counter((one.people, max(one.found, 0.7)) for one in own)
        true, found = zip(*counts, strict=True)
        panel.plot([0.7, top], [0.7, top], color="0.8", linewidth=1)
        panel.scatter(true, found, [18 * count for count in counts.values()], color=colour)
        panel.set_title(f"{system}, {len(own)} sessions")
        panel.set_xscale("log")
        panel.set_yscale("log")
        ticks = [tick for tick in TICKS if tick <= top]
        panel.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
        panel.set_yticks(ticks, [str(tick) for tick in ticks], minor=False)
        panel.minorticks_off()
        panel.set_xlim(0.65, top)
        panel.set_ylim(0.65, top)
        panel.set_aspect("equal")
        panel.set_xlabel("people in truth")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("people found")
    figure.savefig(path, dpi=150)
