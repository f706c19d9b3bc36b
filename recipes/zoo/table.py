"""One table of several runs, from their reports.

python -m recipes.zoo.table RUNS/*
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.report.markdown import markdown_table

HEADER = (
    *("run", "architecture", "loss", "steps", "parameters", "real-time factor", "EER %"),
    *("minDCF 0.05", "AS-norm EER %", "AS-norm minDCF 0.05", "Cllr"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m recipes.zoo.table", description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    rows = [_row(run) for run in options.runs if (run / "report.json").is_file()]
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
    main()
