"""Tables of verification trials: figures of every way of scoring, and of groups of speakers."""

from __future__ import annotations

from collections.abc import Mapping

from diarspk.verification.fairness import FairnessReport
from diarspk.verification.report import TrialReport
from eval.report.cells import percent_cell
from eval.report.markdown import markdown_table

__all__ = ["CONVENTION", "format_fairness", "format_reports"]

CONVENTION = (
    "Whole utterances by cosine. EER: linear at the crossing, with its 95 % interval by "
    "resampling enrolment speakers; stepped: the larger error at the nearest point (ESPnet). "
    "minDCF and actDCF have costs 1; actDCF and Cllr are of ratios calibrated on the other half "
    "of the enrolment speakers. AS-norm: the highest cosines with other speakers."
)


def format_reports(reports: Mapping[tuple[str, str], TrialReport]) -> str:
    """Write a Markdown table."""
    header = [
        *("system", "scores", "EER %", "95 %", "stepped %"),
        *("minDCF .01", "minDCF .05", "actDCF .01", "actDCF .05", "Cllr", "95 % of Cllr"),
    ]
    return markdown_table(header, [[*key, *_cells(report)] for key, report in reports.items()])


def format_fairness(system: str, column: str, report: FairnessReport) -> str:
    """Write a Markdown table of the groups, and GARBE below."""
    header = [f"{system}: {column}", "targets", "others", "miss %", "false %", "own EER %"]
    rows = [
        [
            one.group,
            f"{one.targets}",
            f"{one.non_targets}",
            *(
                percent_cell(rate, 2)
                for rate in (one.miss_rate, one.false_alarm_rate, one.equal_error_rate)
            ),
        ]
        for one in (*report.groups, *report.few)
    ]
    small = f"; too few trials to count: {', '.join(report.skipped)}" if report.few else ""
    garbe = report.garbe()
    shown = "- (of fewer than two groups)" if garbe is None else f"{garbe:.3f}"
    return f"{markdown_table(header, rows)}\n\nGARBE {shown}{small}"


def _cells(report: TrialReport) -> list[str]:
    rate, bits = report.equal_error_rate, report.cllr
    actual = report.actual_dcf or {}
    return [
        f"{100 * rate.value:.2f}",
        f"{100 * rate.low:.2f} to {100 * rate.high:.2f}",
        f"{100 * report.stepped_equal_error_rate:.2f}",
        *(f"{cost:.3f}" for cost in report.min_dcf.values()),
        *(f"{actual[prior]:.3f}" if actual else "-" for prior in report.min_dcf),
        "-" if bits is None else f"{bits.value:.3f}",
        "-" if bits is None else f"{bits.low:.3f} to {bits.high:.3f}",
    ]
