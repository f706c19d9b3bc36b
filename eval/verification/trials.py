"""Everything about verification trials: costs, calibration, AS-norm, pictures, fairness.

    python -m eval.verification.trials --data ../shared/speech --systems diarspk --cohort 300 \
        --groups gender language age --det det.png --histogram scores.png --cache vectors/

Trials are all pairs of utterances of a split, or those of ``--trials LIST``; the names of a list
are utterances of the split, or with ``--root`` recordings below a folder:

    python -m eval.verification.trials --root voxceleb1/wav --trials veri_test.txt --det det.png
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from diarspk.verification.fairness import FairnessReport, compare_groups
from diarspk.verification.metrics import DetectionCurve, detection_curve
from diarspk.verification.report import TrialReport
from eval.command_line import command
from eval.report.detection_plot import plot_det, plot_scores
from eval.report.run_record import JsonReport
from eval.verification.scorings import pair_groups, report_scoring
from eval.verification.trial_data import TrialSettings, read_column, score_trials
from eval.verification.trial_tables import CONVENTION, format_fairness, format_reports

__all__ = ["main"]


@dataclass(frozen=True)
class Settings:
    inputs: TrialSettings
    report: JsonReport
    systems: tuple[str, ...] = ("diarspk",)
    """Encoders, by name or path."""
    groups: Sequence[str] = ()
    """Columns of the metadata whose groups are compared."""
    det: Path | None = None
    """Draw detection error trade-offs to this file."""
    histogram: Path | None = None
    """Draw scores to FILE-SYSTEM.png for each system."""


@command
def main(settings: Settings) -> None:
    reports: dict[tuple[str, str], TrialReport] = {}
    curves: dict[str, DetectionCurve] = {}
    fairness: list[tuple[str, str, FairnessReport]] = []
    for system in settings.systems:
        split, scored = score_trials(settings.inputs, system)
        for way in scored.scores:
            reports[system, way] = report_scoring(scored, split, way)
        curves[system] = detection_curve(scored.scores["cosine"], scored.labels)
        threshold = curves[system].equal_error_threshold
        for column in settings.groups:
            groups = pair_groups(scored, split, read_column(settings.inputs, column))
            rates = compare_groups(scored.scores["cosine"], scored.labels, groups, threshold)
            fairness.append((system, column, rates))
        if settings.histogram is not None:
            file = settings.histogram
            file = file.with_name(f"{file.stem}-{system.replace('/', '_')}{file.suffix}")
            plot_scores(scored.scores["cosine"], scored.labels, file, threshold=threshold)
    if settings.det is not None:
        plot_det(curves, settings.det)
    print(format_reports(reports))
    for system, column, report in fairness:
        print(f"\n{format_fairness(system, column, report)}")
    print(f"\n{CONVENTION}")
    results = [{"system": s, "scores": w, **asdict(r)} for (s, w), r in reports.items()]
    unfair = [{"system": s, "column": c, **asdict(r)} for s, c, r in fairness]
    figures = {"convention": CONVENTION, "results": results, "fairness": unfair}
    settings.report.write(figures)


if __name__ == "__main__":
    raise SystemExit(main())
