"""The tables of several distillations, from their reports.

    python -m recipes.xvector_distillation.table RUNS/* [--pictures FOLDER]

For each run: size reduction against error, an ablation per frame-level layer, and the correlation
between kinds of embeddings, which --pictures also draws.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.command_line import Positional, command
from eval.report.run_record import finished_runs
from recipes.xvector_distillation.correlation import plot_correlations
from recipes.xvector_distillation.report_tables import Report, format_claims, format_tables
from recipes.xvector_distillation.stages import REPORT

__all__ = ["main"]


@dataclass(frozen=True)
class Settings:
    runs: Positional[tuple[Path, ...]]
    """Folders of runs."""
    pictures: Path | None = None
    """Folder for RUN-correlation.svg."""


@command
def main(settings: Settings) -> None:
    for run in finished_runs(settings.runs, REPORT):
        report: Report = json.loads((run / REPORT).read_text(encoding="utf-8"))
        print(f"\n{format_tables(run.name, report)}\n")
        print("\n".join(format_claims(report)))
        if settings.pictures is not None:
            settings.pictures.mkdir(parents=True, exist_ok=True)
            _draw(report, settings.pictures / f"{run.name}-correlation.svg")


def _draw(report: Report, path: Path) -> None:
    correlation = report["correlation"]
    matrices = {side: np.array(correlation[side]) for side in ("teacher", "students")}
    plot_correlations(matrices, correlation["kinds"], path)


if __name__ == "__main__":
    raise SystemExit(main())
