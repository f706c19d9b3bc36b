"""``diarspk score``: error rates of a diarization against its reference."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import diarspk
from diarspk.cli.table import aligned
from diarspk.cli.terminal import exit_on_error

if TYPE_CHECKING:
    from diarspk.scoring import Components, Scores

__all__ = ["score"]

HEADER = (
    *("file", "speech (s)", "miss (s)", "%", "false alarm (s)", "%", "confusion (s)", "%"),
    *("DER %", "JER %"),
)


def score(
    reference: Annotated[Path, typer.Argument(metavar="REF", help="Reference RTTM.")],
    hypothesis: Annotated[Path, typer.Argument(metavar="HYP", help="RTTM to score.")],
    uem: Annotated[
        Path | None, typer.Option(help="UEM file: the regions to score in each file.")
    ] = None,
    collar: Annotated[
        float,
        typer.Option(min=0.0, help="Seconds not scored on each side of a reference boundary."),
    ] = 0.0,
    skip_overlap: Annotated[
        bool, typer.Option("--skip-overlap", help="Leave out where the reference overlaps.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print DER and JER with their components, per file and pooled over all files."""
    if not math.isfinite(collar):
        raise typer.BadParameter(f"--collar must be seconds, got {collar}")
    with exit_on_error():
        scores = diarspk.score(reference, hypothesis, uem, collar=collar, skip_overlap=skip_overlap)
    if as_json:
        print(json.dumps(scores.as_dict(), indent=2, ensure_ascii=False))
    else:
        print(_report(scores))


def _report(scores: Scores) -> str:
    """One row per file, the pooled row last, then the convention they follow."""
    rows = [_row(file, components) for file, components in scores.files.items()]
    rows.append(_row("pooled", scores.pooled))
    return f"{aligned(HEADER, rows)}\n\n{scores.convention}"


def _row(name: str, components: Components) -> list[str]:
    parts = (
        (components.miss, components.miss_rate),
        (components.false_alarm, components.false_alarm_rate),
        (components.confusion, components.confusion_rate),
    )
    cells = [cell for seconds, rate in parts for cell in (f"{seconds:.2f}", f"{100 * rate:.2f}")]
    rates = [f"{100 * rate:.2f}" for rate in (components.der, components.jer)]
    return [name, f"{components.total:.2f}", *cells, *rates]
