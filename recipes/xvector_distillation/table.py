"""The tables of several distillations, from their reports.

    python -m recipes.xvector_distillation.table RUNS/* [--pictures FOLDER]

For each run: size reduction against error, an ablation per frame-level layer, and the correlation
between kinds of embeddings, which --pictures also draws.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.command_line import Positional, command
from eval.report.markdown import markdown_table
from recipes.xvector_distillation.correlation import plot_correlations
from recipes.xvector_distillation.layer_activations import levels_of
from recipes.xvector_distillation.stages import REPORT

__all__ = ["main"]

Report = dict[str, Any]

FIGURES = ("cosine EER %", "PLDA EER %", "minDCF 0.05", "minDCF 0.01")
HEADER = (
    *("embedding", "dimension", "parameters", "reduction %"),
    *(f"teacher {name}" for name in FIGURES),
    *(f"student {name}" for name in FIGURES),
    "agreement",
)


@dataclass(frozen=True)
class Settings:
    runs: Positional[tuple[Path, ...]]
    """Folders of runs."""
    pictures: Path | None = None
    """Folder for RUN-correlation.svg."""


@command
def main(settings: Settings) -> None:
    for run in settings.runs:
        if (run / REPORT).is_file():
            report: Report = json.loads((run / REPORT).read_text(encoding="utf-8"))
            _print(run.name, report)
            if settings.pictures is not None:
                settings.pictures.mkdir(parents=True, exist_ok=True)
                _draw(report, settings.pictures / f"{run.name}-correlation.svg")


def _print(name: str, report: Report) -> None:
    teacher, kinds = report["teacher"], report["kinds"]
    print(f"\n### {name}: {teacher['architecture']}, {teacher['parameters']:,} parameters\n")
    print(markdown_table(HEADER, [_row(kind) for kind in kinds if not _is_bare_layer(kind)]))
    layers = _ablation(report)
    if layers:
        print("\nOne frame-level layer at a time, from the input on:\n")
        print(markdown_table(HEADER, [_row(kind, kind["sources"][0]) for kind in layers]))
    for side in ("teacher", "students"):
        print(f"\nCorrelation between the embeddings of the {side}:\n")
        print(_correlations(report["correlation"], side))


def _row(kind: Report, name: str | None = None) -> tuple[str, ...]:
    return (
        name or kind["kind"],
        str(kind["dimension"]),
        f"{kind['parameters']:,}",
        f"{100 * kind['reduction']:.1f}",
        *_figures(kind["teacher"]),
        *_figures(kind["student"]),
        f"{kind['agreement']:.2f}",
    )


def _figures(figures: Report) -> tuple[str, ...]:
    plda = figures["plda"]
    rate = plda["equal_error_rate"]
    low, high = 100 * rate["low"], 100 * rate["high"]
    return (
        f"{100 * figures['cosine_equal_error_rate']:.2f}",
        f"{100 * rate['value']:.2f} ({low:.1f}-{high:.1f})",
        f"{plda['min_dcf']['0.05']:.3f}",
        f"{plda['min_dcf']['0.01']:.3f}",
    )


def _is_bare_layer(kind: Report) -> bool:
    """Whether a kind goes by the name of its layer, which only the ablation is about."""
    return bool(kind["level"] == "frame" and kind["sources"] == [kind["kind"]])


def _ablation(report: Report) -> list[Report]:
    """Kinds of one layer alone, in the order of the layers."""
    order = levels_of(report["teacher"]["architecture"]).layers
    single = [kind for kind in report["kinds"] if kind["level"] == "frame"]
    return sorted(single, key=lambda kind: order.index(kind["sources"][0]))


def _correlations(correlation: Report, side: str) -> str:
    numbers = [str(number) for number in range(1, len(correlation["kinds"]) + 1)]
    rows = [
        [f"{number} {name}", *(f"{value:.2f}" for value in values)]
        for number, name, values in zip(
            numbers, correlation["kinds"], correlation[side], strict=True
        )
    ]
    return markdown_table(["embedding", *numbers], rows)


def _draw(report: Report, path: Path) -> None:
    correlation = report["correlation"]
    matrices = {side: np.array(correlation[side]) for side in ("teacher", "students")}
    plot_correlations(matrices, correlation["kinds"], path)


if __name__ == "__main__":
    raise SystemExit(main())
