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
from eval.report.run_record import finished_runs

HEADER = (
    *("run", "architecture", "loss", "steps", "parameters", "real-time factor", "EER %"),
    *("minDCF 0.05", "AS-norm EER %", "AS-norm minDCF 0.05", "Cllr"),
    *("QMF EER %", "QMF Cllr"),
)


@dataclass(frozen=True)
class Settings:
    runs: Positional[tuple[Path, ...]]
    """Folders of runs."""


@command
def main(settings: Settings) -> None:
    rows = [_row(run) for run in finished_runs(settings.runs, "report.json")]
    print(markdown_table(HEADER, rows))


def _row(run: Path) -> tuple[str, ...]:
    report: dict[str, Any] = json.loads((run / "report.json").read_text(encoding="utf-8"))
    settings, raw, normalized = report["settings"], report["cosine"], report["normalized"]
    return (
        run.name,
        _network(settings),
        settings["loss"],
        str(settings["train"]["steps"]),
        f"{report['parameters']:,}",
        f"{report['real_time_factor']:.4f}",
        _rate(raw),
        f"{raw['min_dcf']['0.05']:.3f}",
        _rate(normalized),
        f"{normalized['min_dcf']['0.05']:.3f}",
        _cllr(normalized),
        _rate(report["quality"]),
        _cllr(report["quality"]),
    )


def _network(settings: dict[str, Any]) -> str:
    """Architecture, and its front end without the place that it comes from."""
    front_end = settings.get("front_end")
    if not front_end or not front_end["name"]:
        return str(settings["architecture"])
    name = front_end["name"].partition("=")[0]
    return f"{settings['architecture']} on {name if '@' in name else Path(name).name}"


def _rate(figures: dict[str, Any] | None) -> str:
    return "" if figures is None else f"{100 * figures['equal_error_rate']['value']:.2f}"


def _cllr(figures: dict[str, Any] | None) -> str:
    found = None if figures is None else figures["cllr"]
    return "" if found is None else f"{found['value']:.3f}"


if __name__ == "__main__":
    raise SystemExit(main())
