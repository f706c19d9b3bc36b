"""Costs of front ends under encoders, with the accuracy of a short training where there is one.

    python -m recipes.zoo.cuts --data ../shared/speech --output CUTS --speakers 300
    python -m recipes.zoo.costs COSTS --manifests CUTS --trained-encoders x-vector

Writes COSTS/costs.md and COSTS/costs.json; what has been measured is read again, so that the
command goes on after an interruption. Front ends with random weights are not trained: their cost is
that of trained ones, and their accuracy would be that of nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from diarspk.errors import DiarspkError
from eval.command_line import Positional, command
from eval.report.markdown import markdown_table
from eval.report.run_record import write_json
from eval.speed.front_ends import ENCODERS, FRONT_ENDS, LOG_MEL, PairCost, measure_apart
from eval.speed.random_front_ends import RANDOM

HEADER = (
    *("front end", "encoder", "weights", "parameters", "trained", "MACs / s", "time / first"),
    *("peak MB", "EER %", "AS-norm EER %"),
)


@dataclass(frozen=True)
class Settings:
    output: Positional[Path]
    """Folder of the table and of the runs."""
    manifests: Path | None = None
    """Folder of recipes.zoo.cuts; none: costs alone."""
    front_ends: tuple[str, ...] = FRONT_ENDS
    """Front ends, as eval.speed.front_ends takes them."""
    encoders: tuple[str, ...] = ENCODERS
    """Architectures of the encoders."""
    trained_encoders: tuple[str, ...] = ENCODERS
    """Those of them that are trained too."""
    seconds: float = 10.0
    """Length of the audio that costs are measured on."""
    steps: int = 100
    """Steps of a training; the large-margin phase has a tenth more."""
    crops: int = 16
    """Crops in a batch."""


@command
def main(settings: Settings) -> None:
    settings.output.mkdir(parents=True, exist_ok=True)
    found = list(_measure_all(settings))
    write_json({"pairs": [row for _, row in found]}, settings.output / "costs.json")
    first = found[0][0].real_time_factor
    table = markdown_table(HEADER, [_row(cost, row, first) for cost, row in found])
    (settings.output / "costs.md").write_text(table + "\n", encoding="utf-8")
    print(table)


def _measure_all(settings: Settings) -> Iterator[tuple[PairCost, dict[str, Any]]]:
    """Measure pair by pair, and train those that can be trained."""
    for front_end in settings.front_ends:
        for encoder in settings.encoders:
            name = f"{encoder} on {front_end.partition('=')[0].rpartition('/')[2]}"
            print(name, file=sys.stderr, flush=True)
            cost = _cost(settings, front_end, encoder, settings.output / f"{name}.json")
            row: dict[str, Any] = asdict(cost)
            if front_end not in RANDOM and encoder in settings.trained_encoders:
                row["report"] = _train(settings, front_end, encoder, settings.output / name)
            yield cost, row


def _cost(settings: Settings, front_end: str, encoder: str, stored: Path) -> PairCost:
    if not stored.is_file():
        cost = measure_apart(front_end, encoder, settings.seconds, settings.output)
        write_json(asdict(cost), stored)
    content: dict[str, Any] = json.loads(stored.read_text(encoding="utf-8"))
    return PairCost(**content)


def _train(settings: Settings, front_end: str, encoder: str, run: Path) -> dict[str, Any] | None:
    """Train a pair on the manifests, or go on; return its report."""
    if settings.manifests is None:
        return None
    options = ["--manifests", str(settings.manifests), "--architecture", encoder]
    options += ["--steps", str(settings.steps), "--crops", str(settings.crops), "--workers", "0"]
    options += ["--cohort-utterances", "1", "--accelerator", "cpu"]
    if front_end != LOG_MEL:
        options += ["--front-end", front_end]
    words = [sys.executable, "-m", "recipes.zoo.run", str(run), *options]
    if subprocess.run(words, stdout=sys.stderr).returncode:
        raise DiarspkError(f"{run}: training failed; the messages are above")
    report: dict[str, Any] = json.loads((run / "report.json").read_text(encoding="utf-8"))
    return report


def _row(cost: PairCost, row: dict[str, Any], first: float) -> tuple[str, ...]:
    report = row.get("report")
    rates = ["" if report is None else _rate(report[kind]) for kind in ("cosine", "normalized")]
    weights = "none" if not cost.upstream_parameters else "own"
    return (
        cost.front_end.partition("=")[0],
        cost.encoder,
        "random" if cost.front_end in RANDOM else weights,
        f"{cost.parameters / 1e6:.2f} M",
        f"{(cost.parameters - cost.upstream_parameters) / 1e6:.2f} M",
        f"{cost.operations / 1e9:.2f} G",
        f"{cost.real_time_factor / first:.2f}",
        f"{cost.peak_megabytes:.0f}",
        *rates,
    )


def _rate(figures: dict[str, Any]) -> str:
    return f"{100 * figures['equal_error_rate']['value']:.1f}"


if __name__ == "__main__":
    raise SystemExit(main())
