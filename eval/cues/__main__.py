"""One table of every cue of every encoder: what it is good for, and what it carries.

python -m eval.cues --data FOLDER --systems diarspk resemblyzer controls --cache cues/ \
        --verification v.json --intra-session i.json --diarization d.json \
        --extraction-study study.json --robustness r.json --plot cues.png --json cues.json

With --data, probes run here; with --probes they are read from what ``eval.probes carried`` has
written. All else is what other commands wrote with --json. What no file holds is missing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from diarspk.errors import DiarspkError
from eval.cues.results import OWN, READERS, Found, read_figures
from eval.cues.table import Column, CueTable, Figure, Row
from eval.probes.probing import describe_carried
from eval.probes.protocol import add_carried_options, run_carried
from eval.report.run_record import describe_run, write_json

__all__ = ["main", "merge"]

CONVENTION = (
    "EER over whole utterances, all pairs, cosine; inside sessions, the combined list, pooled; DER "
    "strict; SI-SDRi with the mean taken off. Answers of linear probes are balanced accuracies on "
    "speakers they were not fitted on (the speaker: on other utterances), R2 for quantities. "
    "Intervals, chance and controls are in the JSON."
)

HERE = "measured here"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    try:
        found = list(_read_all(options))
        probes = None
        if options.data is not None and not options.probes:
            probes = describe_carried(run_carried(options))
            figures = READERS["probes carried"](probes, "")
            found.append({key: Figure(value, HERE) for key, value in figures.items()})
    except DiarspkError as error:
        print(error, file=sys.stderr)
        return 1
    table = merge(found)
    text = f"{table.markdown()}\n\n{CONVENTION}"
    print(text)
    run = describe_run()
    if options.markdown is not None:
        options.markdown.write_text(f"{text}\n\n`{run['command']}`\n", encoding="utf-8")
    if options.json is not None:
        detail = {} if probes is None else {"probes": probes}
        write_json({**run, "convention": CONVENTION, **table.as_dict(), **detail}, options.json)
    if options.plot is not None:
        from eval.cues.plot import draw_parallel

        draw_parallel(table, options.plot)
    return 0


def merge(found: Iterable[Found]) -> CueTable:
    """Put figures together; of two for one cell the earlier counts.

    Uses come before what a cue carries, otherwise columns and rows are in the order of the files.
    """
    figures: dict[tuple[Row, str], Figure] = {}
    rows: dict[Row, None] = {}
    columns: dict[str, Column] = {}
    for one in found:
        for (row, column), figure in one.items():
            figures.setdefault((row, column.name), figure)
            rows.setdefault(row)
            columns.setdefault(column.name, column)
    encoders = list(dict.fromkeys(encoder for encoder, _ in rows))
    return CueTable(
        rows=sorted(rows, key=lambda row: encoders.index(row[0])),  # stable
        columns=sorted(columns.values(), key=lambda column: column.better == "none"),
        figures=figures,
    )


def _read_all(options: argparse.Namespace) -> Iterable[Found]:
    for kind in READERS:
        for file in getattr(options, _option(kind)):
            yield read_figures(kind, file, options.extraction_encoder)


def _option(kind: str) -> str:
    """Name of the option that takes a kind of results."""
    return kind.split()[-1].replace("carried", "probes")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m eval.cues",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    for kind in READERS:
        add(
            f"--{_option(kind).replace('_', '-')}",
            type=Path,
            nargs="+",
            default=[],
            metavar="JSON",
            help=f"what eval.{kind} wrote",
        )
    add("--extraction-encoder", default=OWN, metavar="NAME", help="of the extractors' cues")
    add("--plot", type=Path, metavar="FILE", help="parallel coordinates (matplotlib)")
    add("--markdown", type=Path, metavar="FILE")
    add_carried_options(parser, required=False)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
