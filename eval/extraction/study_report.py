"""Table, findings and picture of a study of cues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.correlation.association import Interval
from eval.extraction.findings import Finding
from eval.extraction.study_figures import Draws, StudyFigures, mean_interval, rate_interval
from eval.report.cells import UNKNOWN, interval_cell
from eval.report.markdown import markdown_table

__all__ = ["Row", "draw_study", "format_study", "measure_rows"]

HEADER = ("cue", "of", "EER %", "SI-SDRi open dB", "SI-SDRi closed dB", "headroom dB")

CONVENTION = (
    "EER: all pairs of dev utterances by cosine. SI-SDRi: mean over the same mixtures, of unseen "
    "speakers (open) and of training speakers (closed). Headroom: the optimised cue less that of "
    "the enrolment, one pass. Brackets: 95 % of a bootstrap over speakers."
)


@dataclass(frozen=True)
class Row:
    """Figures of an extractor; None where it has none."""

    label: str
    cue: str
    equal_error_rate: Interval | None
    open_db: Interval | None
    closed_db: Interval
    headroom_db: Interval | None


def measure_rows(study: StudyFigures, draws: Draws) -> list[Row]:
    """Put the figures of a study in rows, the best gain first."""
    rows = []
    for cell in study.cells:
        opened = headroom = None
        if cell.open_db is not None:
            opened = mean_interval(draws, cell.open_db, study.open_speakers)
        if cell.optimised_db is not None and cell.enrolled_db is not None:
            speakers = study.closed_speakers if cell.open_db is None else study.open_speakers
            gained = cell.optimised_db - cell.enrolled_db
            headroom = mean_interval(draws, gained, speakers[: len(gained)])
        rows.append(
            Row(
                cell.label,
                cell.cue,
                None if cell.pairs is None else rate_interval(draws, cell),
                opened,
                mean_interval(draws, cell.closed_db, study.closed_speakers),
                headroom,
            )
        )
    return sorted(rows, key=lambda row: -(row.open_db or row.closed_db).value)


def format_study(rows: Sequence[Row], findings: Sequence[Finding]) -> str:
    """Table, convention and findings, in Markdown."""
    table = markdown_table(
        HEADER,
        [
            [
                row.label,
                row.cue,
                _write(row.equal_error_rate, 1, percent=True),
                *(_write(one) for one in (row.open_db, row.closed_db, row.headroom_db)),
            ]
            for row in rows
        ],
    )
    told = [_tell(number, one) for number, one in enumerate(findings, 1)]
    return "\n\n".join([table, CONVENTION, *told])


def _write(one: Interval | None, digits: int = 2, *, percent: bool = False) -> str:
    if one is None:
        return UNKNOWN
    return interval_cell(one.value, one.low, one.high, digits, percent=percent)


def _tell(number: int, finding: Finding) -> str:
    figures = "; ".join(f"{name} {_write(one)}" for name, one in finding.figures.items())
    return f"{number}. {finding.claim}: {finding.verdict}. ({figures})"


def draw_study(rows: Sequence[Row], path: Path) -> None:
    """Draw the SI-SDRi of each encoder against the EER, with intervals."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for row in rows:
        rate, gain = row.equal_error_rate, row.open_db
        if rate is None or gain is None:
            continue
        x, y = 100 * rate.value, gain.value
        axes.errorbar(
            *(x, y),
            xerr=[[x - 100 * rate.low], [100 * rate.high - x]],
            yerr=[[y - gain.low], [gain.high - y]],
            fmt="o",
            markersize=4,
            linewidth=0.8,
        )
        axes.annotate(row.label, (x, y), textcoords="offset points", xytext=(5, 4), fontsize=8)
    axes.set_xlabel("EER of the cue, %")
    axes.set_ylabel("SI-SDRi of unseen speakers, dB")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
