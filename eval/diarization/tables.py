"""Results of systems on collections as tables: Markdown and comma-separated."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO

from eval.diarization.results import Summary
from eval.report.markdown import markdown_table

__all__ = ["format_csv", "format_summaries"]

HEADER = (
    "set",
    "reference",
    "system",
    "DER %",
    "miss %",
    "false alarm %",
    "confusion %",
    "count right %",
    "count error",
    "seconds",
    "real-time factor",
    "seeds",
    "DER over seeds",
)


COUNT_HEADER = (
    *("set", "reference", "system", "speakers", "recordings", "right", "found (mean)", "DER %"),
)


CONVENTION = (
    "Strict DER: collar 0, overlap scored, pooled by duration, only what the UEM names. "
    "Time is wall-clock, from path to annotation, without loading models. DER over seeds is its "
    "standard deviation."
)


def format_summaries(
    summaries: Sequence[Summary], *, per_recording: bool = False, by_speakers: bool = False
) -> str:
    """Markdown: a row a system; on request also by the number of speakers, and by recording."""
    tables = [markdown_table(HEADER, [_row(summary, summary.collection) for summary in summaries])]
    if by_speakers:
        counts = [row for summary in summaries for row in _count_rows(summary)]
        tables.append(markdown_table(COUNT_HEADER, counts))
    if per_recording:
        rows = [
            _row(Summary([outcome]), f"{outcome.collection}/{outcome.recording}")
            for summary in summaries
            for outcome in summary.outcomes
        ]
        tables.append(markdown_table(HEADER, sorted(rows, key=lambda row: row[0])))
    return "\n\n".join(tables)


def format_csv(summaries: Sequence[Summary]) -> str:
    """Comma-separated: a row for each system and data set, with the columns of the table."""
    stream = StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(HEADER)
    table.writerows(_row(summary, summary.collection) for summary in summaries)
    return stream.getvalue()


def _row(summary: Summary, label: str) -> list[str]:
    parts = summary.components
    shares = (parts.der, parts.miss_rate, parts.false_alarm_rate, parts.confusion_rate)
    return [
        label,
        summary.reference,
        summary.system,
        *(f"{100 * share:.1f}" for share in shares),
        f"{100 * summary.count_accuracy:.0f}",
        f"{summary.count_error:.2f}",
        f"{summary.processing:.1f}",
        f"{summary.real_time_factor:.4f}",
        f"{len(summary.seeds)}",
        f"{100 * summary.der_deviation:.2f}",
    ]


def _count_rows(summary: Summary) -> list[list[str]]:
    return [
        [
            summary.collection,
            summary.reference,
            summary.system,
            str(count),
            str(len(part.outcomes)),
            str(round(part.count_accuracy * len(part.outcomes))),
            f"{part.found_speakers:.1f}",
            f"{100 * part.components.der:.1f}",
        ]
        for count, part in summary.by_speakers().items()
    ]
