"""``diarspk score``: error rates of a diarization against its reference."""

from __future__ import annotations

import math
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import diarspk
from diarspk.atomic import atomic_path
from diarspk.cli.json_text import json_text
from diarspk.cli.table import aligned
from diarspk.cli.terminal import exit_on_error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from pyannote.core import Annotation, Timeline

    from diarspk.metrics import Breakdown, Components, Scores

    Turns: TypeAlias = dict[str, Annotation]
    Sides: TypeAlias = tuple[Turns, Turns, dict[str, Timeline] | None]

__all__ = ["Convention", "score"]

ERRORS = ("speech (s)", "miss (s)", "%", "false alarm (s)", "%", "confusion (s)", "%", "DER %")
HEADER = ("file", *ERRORS, "JER %")


class Convention(str, Enum):
    """Scoring convention; see :mod:`diarspk.metrics.conventions`."""

    DIARSPK = "diarspk"
    MD_EVAL = "md-eval"
    DSCORE = "dscore"
    PYANNOTE = "pyannote"
    SPYDER = "spyder"


def score(
    reference: Annotated[Path, typer.Argument(metavar="REF", help="Reference RTTM.")],
    hypothesis: Annotated[Path, typer.Argument(metavar="HYP", help="Hypothesis RTTM.")],
    uem: Annotated[
        Path | None, typer.Option(help="UEM file: regions to score in each recording.")
    ] = None,
    collar: Annotated[
        float,
        typer.Option(
            min=0.0,
            help="Forgiveness collar in seconds on each side of a reference boundary (with "
            "--convention pyannote, half of it on each side, as in pyannote.metrics).",
        ),
    ] = 0.0,
    skip_overlap: Annotated[
        bool,
        typer.Option("--skip-overlap", help="Do not score overlapped speech of the reference."),
    ] = False,
    convention: Annotated[
        Convention, typer.Option(help="Follow the scoring rules of this tool.")
    ] = Convention.DIARSPK,
    breakdown: Annotated[
        bool,
        typer.Option(
            "--breakdown",
            help="Add errors by overlap, turn length and number of speakers, and boundary errors.",
        ),
    ] = False,
    timeline: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for a drawing of the errors, DIR/FILE.svg."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score a diarization: DER and JER with their components, per file and pooled."""
    if not math.isfinite(collar):
        raise typer.BadParameter(f"--collar must be seconds, got {collar}")
    options: dict[str, Any] = {
        "collar": collar,
        "skip_overlap": skip_overlap,
        "convention": convention.value,
    }
    with exit_on_error():
        sides = _read(reference, hypothesis, uem)
        scores = diarspk.score(*sides, **options)
        details = _break_down(sides, options) if breakdown else None
        if timeline is not None:
            _draw(sides, timeline)
    if as_json:
        document = scores.as_dict()
        if details is not None:
            document["breakdown"] = details.as_dict()
        print(json_text(document, indent=2))
        return
    print(_report(scores))
    if details is not None:
        print(_report_breakdown(details))
    print(f"\n{scores.reference_turns}")


def _read(reference: Path, hypothesis: Path, uem: Path | None) -> Sides:
    """Read every file once, as a pipe can be: scores, breakdown and drawing are of one content."""
    from diarspk.formats import read_rttm, read_uem

    return read_rttm(reference), read_rttm(hypothesis), None if uem is None else read_uem(uem)


def _break_down(sides: Sides, options: dict[str, Any]) -> Breakdown:
    import warnings

    from diarspk.errors import ScoringWarning
    from diarspk.metrics import break_down

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ScoringWarning)  # `score` has warned already
        return break_down(*sides, **options)


def _draw(sides: Sides, folder: Path) -> None:
    import warnings

    from diarspk.errors import ScoringWarning
    from diarspk.file_names import file_stems
    from diarspk.metrics import draw_timeline
    from diarspk.metrics.pairing import pair_files

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ScoringWarning)
        pairing = pair_files(*sides)
    folder.mkdir(parents=True, exist_ok=True)
    stems = file_stems(pairing.pairs)
    for name, pair in pairing.pairs.items():
        drawing = draw_timeline(pair.reference, pair.hypothesis, pair.uem, title=name)
        with atomic_path(folder / f"{stems[name]}.svg") as part:
            part.write_text(drawing, encoding="utf-8")


def _report(scores: Scores) -> str:
    """Format the table of files, the pooled row last, and the convention."""
    rows = [_row(file, components) for file, components in scores.files.items()]
    rows.append(_row("pooled", scores.pooled))
    return f"{aligned(HEADER, rows)}\n\n{scores.convention}"


def _report_breakdown(details: Breakdown) -> str:
    """Format a table for each class of errors, then a line for boundaries and one for counts."""
    tables = [
        _class_table("speakers at once", details.overlap),
        _class_table("length of turn", details.turn_length),
        _class_table("speakers in the file", details.speakers),
    ]
    edges = details.boundaries
    lines = [
        f"Boundaries within {edges.as_dict()['tolerance']:g} s: {100 * edges.recall:.1f} % of the "
        f"reference's found, {100 * edges.precision:.1f} % of the hypothesis's right; median "
        f"distance {edges.median_distance:.3f} s, starts {edges.mean_start_offset:+.3f} s, ends "
        f"{edges.mean_end_offset:+.3f} s on average.",
        f"Number of speakers right in {100 * details.count_accuracy:.1f} % of the files, off by "
        f"{details.count_error:.2f} on average.",
    ]
    return "\n".join(f"\n{part}" for part in [*tables, *lines])


def _class_table(title: str, classes: Mapping[str, Components]) -> str:
    return aligned((title, *ERRORS), [_row(name, one)[:-1] for name, one in classes.items()])


def _row(name: str, components: Components) -> list[str]:
    parts = (
        (components.miss, components.miss_rate),
        (components.false_alarm, components.false_alarm_rate),
        (components.confusion, components.confusion_rate),
    )
    columns = [cell for seconds, rate in parts for cell in (f"{seconds:.2f}", f"{100 * rate:.2f}")]
    rates = [f"{100 * rate:.2f}" for rate in (components.der, components.jer)]
    return [name, f"{components.total:.2f}", *columns, *rates]
