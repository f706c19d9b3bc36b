"""Report of scored trials: error rates and costs with confidence intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.errors import ArgumentError
from diarspk.verification.calibration import fit_calibration
from diarspk.verification.confidence_interval import Interval, bootstrap_interval
from diarspk.verification.metrics import (
    actual_dcf,
    cllr,
    detection_curve,
    equal_error_rate,
    min_dcf,
    stepped_equal_error_rate,
)

__all__ = ["TrialReport", "cross_calibrate", "report_trials"]

PRIORS = (0.01, 0.05)


@dataclass(frozen=True)
class TrialReport:
    """Metrics of one system on one trial list.

    Attributes
    ----------
    equal_error_rate : Interval
        Linearly interpolated (NIST, WeSpeaker), in [0, 1].
    stepped_equal_error_rate : float
        At the nearest point (ESPnet).
    equal_error_threshold : float
    min_dcf, actual_dcf : dict of float to float
        By target prior, normalized, with both costs 1. ``actual_dcf``, like ``cllr``, requires
        log-likelihood ratios and is None without them.
    cllr : Interval or None
        In bits.
    """

    trials: int
    targets: int
    equal_error_rate: Interval
    stepped_equal_error_rate: float
    equal_error_threshold: float
    min_dcf: dict[float, float]
    actual_dcf: dict[float, float] | None
    cllr: Interval | None


def report_trials(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    log_likelihood_ratios: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    resamples: int = 200,
) -> TrialReport:
    """Compute all metrics of a trial list.

    Parameters
    ----------
    scores, labels : array_like, ``(trials,)``
    log_likelihood_ratios : array_like, ``(trials,)``, optional
        Scores calibrated on other trials.
    groups : array_like, ``(trials,)``, optional
        Enrolment speaker of each trial: the unit of resampling.
    resamples : int
        Number of bootstrap resamples.
    """
    curve = detection_curve(scores, labels)
    label = np.asarray(labels).astype(bool)
    ratios = log_likelihood_ratios
    return TrialReport(
        trials=len(label),
        targets=int(label.sum()),
        equal_error_rate=bootstrap_interval(
            equal_error_rate, scores, label, groups=groups, resamples=resamples
        ),
        stepped_equal_error_rate=stepped_equal_error_rate(scores, label),
        equal_error_threshold=curve.equal_error_threshold,
        min_dcf={prior: min_dcf(scores, label, target_prior=prior) for prior in PRIORS},
        actual_dcf=None
        if ratios is None
        else {prior: actual_dcf(ratios, label, target_prior=prior) for prior in PRIORS},
        cllr=None
        if ratios is None
        else bootstrap_interval(cllr, ratios, label, groups=groups, resamples=resamples),
    )


def cross_calibrate(
    scores: ArrayLike,
    labels: ArrayLike,
    groups: Sequence[str],
    *,
    quality: Mapping[str, ArrayLike] | None = None,
    target_prior: float = 0.05,
    folds: int = 2,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Cross-validated calibration: log-likelihood ratios of each fold, fitted on the others.

    Parameters
    ----------
    scores, labels : array_like, ``(trials,)``
    groups : sequence of str, ``trials``
        Enrolment speaker of each trial; the folds share none.
    quality
        See :func:`diarspk.verification.calibration.fit_calibration`.

    Raises
    ------
    ArgumentError
        There are fewer groups than folds.
    """
    score, label = np.asarray(scores, np.float64), np.asarray(labels)
    measures = {} if quality is None else {k: np.asarray(v) for k, v in quality.items()}
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < folds:
        raise ArgumentError(f"`groups` must be {folds} or more, got {len(names)}")
    part = np.random.default_rng(seed).permutation(len(names))[group] % folds
    ratios = np.empty(len(score))
    for fold in range(folds):
        inside, outside = part == fold, part != fold
        calibration = fit_calibration(
            score[outside],
            label[outside],
            quality={name: values[outside] for name, values in measures.items()},
            target_prior=target_prior,
        )
        ratios[inside] = calibration.log_likelihood_ratios(
            score[inside], {name: values[inside] for name, values in measures.items()}
        )
    return ratios
