"""One table of every cue of every encoder: what it is good for, and what it carries.

    python -m eval.cues --data FOLDER --systems diarspk resemblyzer controls --cache cues/ \
        --verification v.json --intra-session i.json --diarization d.json \
        --extraction-study study.json --robustness r.json --plot cues.png --json cues.json

With --data, probes run here; with --probes they are read from what ``eval.probes carried`` has
written. All else is what other commands wrote with --json. What no file holds is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from eval.command_line import command
from eval.cues.results import OWN, READERS, Found, read_figures
from eval.cues.table import Column, CueTable, Figure, Row
from eval.probes.probing import describe_carried
from eval.probes.protocol import BootstrapSettings, ProbeSettings, run_carried
from eval.report.run_record import JsonReport, describe_run, write_text

__all__ = ["main", "merge"]

CONVENTION = (
    "EER over whole utterances, all pairs, cosine; inside sessions, the combined list, pooled; DER "
    "strict; SI-SDRi with the mean taken off. Answers of linear probes are balanced accuracies on "
    "speakers they were not fitted on (the speaker: on other utterances), R2 for quantities. "
    "Intervals, chance and controls are in the JSON."
)

HERE = "measured here"


@dataclass(frozen=True)
class ResultFiles:
    """What other commands wrote with --json."""

    verification: tuple[Path, ...] = ()
    """Results of eval.verification."""
    intra_session: tuple[Path, ...] = ()
    """Results of eval.intra_session."""
    diarization: tuple[Path, ...] = ()
    """Results of eval.diarization."""
    correlation: tuple[Path, ...] = ()
    """Results of eval.correlation."""
    extraction: tuple[Path, ...] = ()
    """Results of eval.extraction."""
    extraction_study: tuple[Path, ...] = ()
    """Results of eval.extraction.study."""
    robustness: tuple[Path, ...] = ()
    """Results of eval.probes robustness."""
    probes: tuple[Path, ...] = ()
    """Results of eval.probes carried."""

    def by_command(self) -> dict[str, tuple[Path, ...]]:
        """Files of each of :data:`READERS`, in that order."""
        return dict(zip(READERS, (getattr(self, one.name) for one in fields(self)), strict=True))


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    results: ResultFiles
    probing: ProbeSettings
    bootstrap: BootstrapSettings
    data: Path | None = None
    """Folder of speech, for probes that run here."""
    extraction_encoder: str = OWN
    """Encoder of the extractors' cues."""
    plot: Path | None = None
    """Draw parallel coordinates to this file (matplotlib)."""
    markdown: Path | None = None
    """Write the table to this file."""


@command
def main(settings: Settings) -> None:
    found = list(_read_all(settings))
    probes = None
    if settings.data is not None and not settings.results.probes:
        carried = run_carried(settings.data, settings.probing, settings.bootstrap)
        probes = describe_carried(carried)
        figures = READERS["probes carried"](probes, "")
        found.append({key: Figure(value, HERE) for key, value in figures.items()})
    table = merge(found)
    text = f"{table.markdown()}\n\n{CONVENTION}"
    print(text)
    if settings.markdown is not None:
        write_text(f"{text}\n\n`{describe_run()['command']}`\n", settings.markdown)
    detail = {} if probes is None else {"probes": probes}
    settings.report.write({"convention": CONVENTION, **table.as_dict(), **detail})
    if settings.plot is not None:
        from eval.cues.plot import draw_parallel

        draw_parallel(table, settings.plot)


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


def _read_all(settings: Settings) -> Iterable[Found]:
    for kind, files in settings.results.by_command().items():
        for file in files:
            yield read_figures(kind, file, settings.extraction_encoder)


if __name__ == "__main__":
    raise SystemExit(main())
