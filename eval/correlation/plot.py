"""The predictors against the error rate of diarization, a point for each encoder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from eval.correlation.measures import (
    CLLR,
    COMBINED,
    CONVENTIONAL,
    IMPURITY,
    PLDA_RATIO,
    EncoderFigures,
)
from eval.report.run_record import write_text

__all__ = ["plot_predictors"]

PANELS = (CONVENTIONAL, COMBINED, "eer clean", CLLR, IMPURITY, PLDA_RATIO)
TARGET = "der oracle estimated"
UNITS = {CLLR: "bits", PLDA_RATIO: "nats"}


def plot_predictors(figures: Sequence[EncoderFigures], path: Path) -> None:
    """Draw the predictors over ``der oracle estimated`` as SVG; crosses are degraded encoders."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 9), layout="constrained")
    origins = list(dict.fromkeys(one.origin for one in figures))
    measures = [one.measure() for one in figures]
    for axes, name in zip(figure.subplots(2, 3).ravel(), PANELS, strict=True):
        scale = 1 if name in UNITS else 100
        for one, found in zip(figures, measures, strict=True):
            x, y = scale * found[name], 100 * found[TARGET]
            if math.isfinite(x) and math.isfinite(y):
                color = f"C{origins.index(one.origin) % 10}"
                axes.plot(x, y, "x" if one.degraded else "o", color=color)
                axes.annotate(
                    one.encoder, (x, y), fontsize=6, xytext=(3, 3), textcoords="offset points"
                )
        axes.set_xlabel(f"{name}, {UNITS.get(name, '%')}")
        axes.set_ylabel(f"{TARGET}, %")
        axes.spines[["top", "right"]].set_visible(False)
    stream = StringIO()
    with rc_context({"svg.hashsalt": TARGET, "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    write_text(text[text.index("<svg") :], path)
