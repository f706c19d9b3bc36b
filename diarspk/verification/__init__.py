"""Is it the same speaker? Error rates, trial lists, calibration and score normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.verification.calibration import (
        ScoreCalibration,
        default_calibration,
        fit_calibration,
        probability,
    )
    from diarspk.verification.confidence_interval import Interval, bootstrap_interval
    from diarspk.verification.fairness import FairnessReport, GroupRates, compare_groups, gini
    from diarspk.verification.metrics import (
        DetectionCurve,
        actual_dcf,
        cllr,
        detection_curve,
        equal_error_rate,
        min_dcf,
        stepped_equal_error_rate,
    )
    from diarspk.verification.report import TrialReport, cross_calibrate, report_trials
    from diarspk.verification.score_normalization import (
        CohortStatistics,
        adaptive_norm,
        cohort_statistics,
    )
    from diarspk.verification.scoring import PairScorer, load_scorer
    from diarspk.verification.trials import (
        ScoreFunction,
        Trial,
        cosine_scores,
        read_trials,
        score_trials,
    )

__all__ = [
    "CohortStatistics",
    "DetectionCurve",
    "FairnessReport",
    "GroupRates",
    "Interval",
    "PairScorer",
    "ScoreCalibration",
    "ScoreFunction",
    "Trial",
    "TrialReport",
    "actual_dcf",
    "adaptive_norm",
    "bootstrap_interval",
    "cllr",
    "cohort_statistics",
    "compare_groups",
    "cosine_scores",
    "cross_calibrate",
    "default_calibration",
    "detection_curve",
    "equal_error_rate",
    "fit_calibration",
    "gini",
    "load_scorer",
    "min_dcf",
    "probability",
    "read_trials",
    "report_trials",
    "score_trials",
    "stepped_equal_error_rate",
]

_HOMES = {
    "CohortStatistics": "diarspk.verification.score_normalization",
    "DetectionCurve": "diarspk.verification.metrics",
    "FairnessReport": "diarspk.verification.fairness",
    "GroupRates": "diarspk.verification.fairness",
    "Interval": "diarspk.verification.confidence_interval",
    "PairScorer": "diarspk.verification.scoring",
    "ScoreCalibration": "diarspk.verification.calibration",
    "ScoreFunction": "diarspk.verification.trials",
    "Trial": "diarspk.verification.trials",
    "TrialReport": "diarspk.verification.report",
    "actual_dcf": "diarspk.verification.metrics",
    "adaptive_norm": "diarspk.verification.score_normalization",
    "bootstrap_interval": "diarspk.verification.confidence_interval",
    "cllr": "diarspk.verification.metrics",
    "cohort_statistics": "diarspk.verification.score_normalization",
    "compare_groups": "diarspk.verification.fairness",
    "cosine_scores": "diarspk.verification.trials",
    "cross_calibrate": "diarspk.verification.report",
    "detection_curve": "diarspk.verification.metrics",
    "equal_error_rate": "diarspk.verification.metrics",
    "fit_calibration": "diarspk.verification.calibration",
    "gini": "diarspk.verification.fairness",
    "load_scorer": "diarspk.verification.scoring",
    "min_dcf": "diarspk.verification.metrics",
    "probability": "diarspk.verification.calibration",
    "read_trials": "diarspk.verification.trials",
    "report_trials": "diarspk.verification.report",
    "score_trials": "diarspk.verification.trials",
    "default_calibration": "diarspk.verification.calibration",
    "stepped_equal_error_rate": "diarspk.verification.metrics",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
