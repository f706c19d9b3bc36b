"""``diarspk combine``: combination of several diarizations."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diarspk.atomic import atomic_path
from diarspk.cli.kept_inputs import keep_inputs
from diarspk.cli.terminal import exit_on_error, say

if TYPE_CHECKING:
    from pyannote.core import Annotation


__all__ = ["Matching", "combine"]


class Matching(str, Enum):
    """Matching of the speakers of hypotheses; see :mod:`diarspk.diarization.dover_lap`."""

    GREEDY = "greedy"
    HUNGARIAN = "hungarian"


def combine(
    hypotheses: Annotated[
        list[Path],
        typer.Argument(metavar="RTTM...", help="Two or more diarizations of the same recordings."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="RTTM", help="Output. Default: stdout."),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="W,...", help="Weight of each file. Default: by mutual agreement."),
    ] = None,
    mapping: Annotated[Matching, typer.Option(help="Matching of speakers.")] = Matching.GREEDY,
    smoothing: Annotated[
        float,
        typer.Option(
            min=0.0,
            help="Gaussian smoothing of votes over neighbouring regions: its deviation, or 0.",
        ),
    ] = 0.0,
) -> None:
    """Combine diarizations by overlap-aware voting (DOVER-Lap)."""
    if len(hypotheses) < 2:
        raise typer.BadParameter("give two files or more")
    shares = None if weights is None else _parse_weights(weights, len(hypotheses))
    with exit_on_error():
        from diarspk.diarization.dover_lap import combine as combine_annotations
        from diarspk.formats import read_rttm

        keep_inputs(output, hypotheses)
        sides = [read_rttm(path) for path in hypotheses]
        combined = []
        for name in dict.fromkeys(name for side in sides for name in side):
            missing = [
                str(path) for path, side in zip(hypotheses, sides, strict=True) if name not in side
            ]
            if missing:
                say(f"warning: {name}: not in {', '.join(missing)}, taken as silence there")
            found = [_side(side, name) for side in sides]
            combined.append(
                combine_annotations(
                    found,
                    weights=shares,
                    mapping=mapping.value,
                    smoothing=smoothing,
                )
            )
        _write(combined, output)


def _side(annotations: dict[str, Annotation], name: str) -> Annotation:
    from pyannote.core import Annotation

    return annotations.get(name, Annotation(uri=name))


def _parse_weights(text: str, count: int) -> list[float]:
    try:
        weights = [float(part) for part in text.split(",")]
    except ValueError:
        weights = []
    if len(weights) != count or not all(weight > 0 for weight in weights):
        raise typer.BadParameter(f"--weights must be {count} numbers above 0, got {text!r}")
    return weights


def _write(annotations: list[Annotation], output: Path | None) -> None:
    """Write all recordings to one file, which appears whole or not at all."""
    from diarspk.formats import write_rttm

    if output is None:
        for annotation in annotations:
            write_rttm(annotation, sys.stdout)
        return
    with (
        atomic_path(output) as part,
        part.open("w", encoding="utf-8", newline="\n") as stream,
    ):
        for annotation in annotations:
            write_rttm(annotation, stream)
