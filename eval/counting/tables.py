"""Results as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence

from eval.counting.calibration import calibration_error, forecasts, reliability
from eval.counting.measurement import TALKATIVE_S, Measurement
from eval.counting.summary import GROUPS, Summary, cost_of_telling, group
from eval.report.markdown import markdown_table

__all__ = ["CONVENTION", "format_tables"]

FIGURES = (
    *("sessions", "DER %", "miss %", "false alarm %", "confusion %"),
    *("people", "found", "count error %", "right %", "3 s: error %", "3 s: right %"),
)
COST = ("real-time factor", "MB", "worst cost of telling")

CONVENTION = (
    "Strict DER: collar 0, overlap scored, pooled by duration. people and found: means. count "
    "error: mean distance of the number found from the truth, in shares of the truth; right: share "
    f"of sessions with the right number; 3 s: of those who talk {TALKATIVE_S:g} s or more. Given, "
    "minimum and maximum: the true number is told as such; worst cost of telling: points of DER "
    "above automatic, of the session where it costs most. Real-time factor: of diarspk after the "
    "first pass, of others all of it."
)


def format_tables(measurements: Sequence[Measurement], *, per_session: bool = False) -> str:
    """Every system and condition; then told nothing, by what sessions are; then the posterior."""
    tables = [_overall(measurements)]
    automatic = [one for one in measurements if one.condition == "automatic"]
    tables += [_by(name, automatic) for name in GROUPS]
    if per_session:
        tables.append(_sessions(measurements))
    if any(one.posterior for one in automatic):
        tables.append(_posterior(automatic))
    return "\n\n".join(tables)


def _overall(measurements: Sequence[Measurement]) -> str:
    rows = []
    for system, of_system in group(measurements, lambda one: one.system).items():
        automatic = [one for one in of_system if one.condition == "automatic"]
        conditions = dict.fromkeys(one.condition for one in of_system)
        for condition in conditions:
            part = [one for one in of_system if one.condition == condition]
            summary = Summary(part)
            costs = cost_of_telling(part, automatic).values() if condition != "automatic" else ()
            rows.append(
                [
                    str(system),
                    condition,
                    *_figures(summary),
                    f"{summary.real_time_factor:.4f}",
                    f"{summary.megabytes:.0f}" if summary.megabytes else "-",
                    f"{100 * max(costs):+.1f}" if costs else "-",
                ]
            )
    return markdown_table(("system", "told", *FIGURES, *COST), rows)


def _by(name: str, measurements: Sequence[Measurement]) -> str:
    rows = [
        [
            str(system),
            f"{value:g}" if isinstance(value, int | float) else value,
            *_figures(Summary(part)),
        ]
        for value, of_value in group(measurements, GROUPS[name]).items()
        for system, part in group(of_value, lambda one: one.system).items()
    ]
    return markdown_table(("system", name, *FIGURES), rows)


def _sessions(measurements: Sequence[Measurement]) -> str:
    rows = [
        [one.plan.name, one.plan.kind, one.system, one.condition, *_figures(Summary([one]))[1:]]
        for one in sorted(measurements, key=lambda one: (one.plan.minutes, one.plan.name))
    ]
    return markdown_table(("session", "kind", "system", "told", *FIGURES[1:]), rows)


def _posterior(automatic: Sequence[Measurement]) -> str:
    tables = []
    for truth, talkative in (("all people", False), (f"people of {TALKATIVE_S:g} s", True)):
        made = forecasts(automatic, talkative=talkative)
        rows = [
            [
                f"{one.lower:.1f} to {one.lower + 0.1:.1f}",
                str(one.sessions),
                f"{one.probability:.3f}",
                f"{one.right:.3f}",
            ]
            for one in reliability(made)
        ]
        of_truth = sum(one.probability_of_truth for one in made) / len(made)
        tables.append(
            markdown_table((f"probability ({truth})", "sessions", "mean", "right"), rows)
            + f"\n\nExpected calibration error {100 * calibration_error(made):.1f} %; mean "
            f"probability of the true number {of_truth:.3f}."
        )
    return "\n\n".join(tables)


def _figures(summary: Summary) -> list[str]:
    parts = summary.components
    shares = (parts.der, parts.miss_rate, parts.false_alarm_rate, parts.confusion_rate)
    return [
        str(len(summary.measurements)),
        *(f"{100 * share:.1f}" for share in shares),
        f"{summary.people:.1f}",
        f"{summary.found:.1f}",
        f"{100 * summary.count_error:.1f}",
        f"{100 * summary.right:.0f}",
        f"{100 * summary.talkative_error:.1f}",
        f"{100 * summary.talkative_right:.0f}",
    ]
