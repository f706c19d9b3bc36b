from __future__ import annotations

import numpy as np
import pytest

from diarspk.errors import ArgumentError
from diarspk.verification.metrics import cllr, equal_error_rate, min_dcf
from diarspk.verification.report import cross_calibrate, report_trials


def trials(count: int = 2000) -> tuple[np.ndarray, np.ndarray, list[str]]:
    random = np.random.default_rng(0)
    labels = np.arange(count) % 4 == 0
    scores = np.where(labels, 0.6, 0.2) + 0.15 * random.normal(size=count)
    return scores, labels, [f"s{number // 20}" for number in range(count)]


def test_the_figures_are_those_of_the_single_functions() -> None:
    scores, labels, groups = trials()
    report = report_trials(scores, labels, groups=groups, resamples=20)
    assert (report.trials, report.targets) == (2000, 500)
    assert report.equal_error_rate.value == equal_error_rate(scores, labels)
    assert report.min_dcf[0.05] == min_dcf(scores, labels, target_prior=0.05)
    assert (report.actual_dcf, report.cllr) == (None, None)
    accepted = scores >= report.equal_error_threshold
    assert 1 - accepted[labels].mean() == pytest.approx(accepted[~labels].mean(), abs=0.01)


def test_cross_calibrated_ratios_are_worth_their_bits() -> None:
    scores, labels, groups = trials()
    ratios = cross_calibrate(scores, labels, groups)
    report = report_trials(
        scores, labels, log_likelihood_ratios=ratios, groups=groups, resamples=20
    )
    true = (0.4 * scores - 0.16) / 0.15**2  # of the two Gaussians
    assert report.cllr is not None
    assert report.actual_dcf is not None
    assert report.cllr.value == pytest.approx(cllr(true, labels), abs=0.02)
    assert report.cllr.low < report.cllr.value < report.cllr.high
    assert report.actual_dcf[0.05] >= report.min_dcf[0.05]


def test_no_part_is_calibrated_by_itself() -> None:
    """Turn the scores of one speaker around: the other's slope must not follow."""
    scores, labels, _ = trials(400)
    groups = ["a"] * 200 + ["b"] * 200
    plain = cross_calibrate(scores, labels, groups)
    changed = scores.copy()
    changed[:200] += np.random.default_rng(1).normal(size=200)
    after = cross_calibrate(changed, labels, groups)
    slope = np.polyfit(scores[:200], plain[:200], 1)[0]
    assert np.polyfit(changed[:200], after[:200], 1)[0] == pytest.approx(slope)
    assert np.polyfit(scores[200:], after[200:], 1)[0] < 0.8 * slope


def test_one_group_cannot_be_split() -> None:
    scores, labels, _ = trials(40)
    with pytest.raises(ArgumentError, match="2 or more, got 1"):
        cross_calibrate(scores, labels, ["a"] * 40)
