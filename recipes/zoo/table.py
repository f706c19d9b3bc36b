"""One table of several runs, from their reports.

python -m recipes.zoo.table RUNS/*
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.command_line import Positional, command
from eval.report.markdown import markdown_table

HEADER = (
    *("run", "architecture", "loss", "steps", "parameters", "real-time factor", "EER %"),
    *("minDCF 0.05", "AS-norm EER %", "AS-norm minDCF 0.05", "Cllr"),
)


@dataclass(frozen=True)
class Settings:
    runs: Positional[tuple[Path, ...]]
    """Folders of runs."""


@command
def main(settings: Settings) -> None:
    rows = [_row(run) for run in settings.runs if (run / "report.json").is_file()]
    print(markdown_table(HEADER, rows))


def _row(run: Path) -> tuple[str, ...]:
    report: dict[str, Any] = json.loads((run / "report.json").read_text(encoding="utf-8"))
    settings, raw, normalized = report["settings"], report["cosine"], report["normalized"]
    return (
        run.name,
        settings["architecture"],
        settings["loss"],
        str(settings["train"]["steps"]),
        f"{report['parameters']:,}",
        f"{report['real_time_factor']:.4f}",
        _rate(raw),
        f"{raw['min_dcf']['0.05']:.3f}",
        _rate(normalized),
        f"{normalized['min_dcf']['0.05']:.3f}",
        f"{normalized['cllr']['value']:.3f}",
    )


def _rate(figures: dict[str, Any]) -> str:
    return f"{100 * figures['equal_error_rate']['value']:.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
