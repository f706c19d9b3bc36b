"""Figures that judge log-likelihood ratios, and the second definition of the equal error rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diarspk.errors import ArgumentError
from diarspk.verification.metrics import (
    actual_dcf,
    cllr,
    detection_curve,
    equal_error_rate,
    min_dcf,
    stepped_equal_error_rate,
)

TRIALS = st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=40).filter(
    lambda trials: len({target for _, target in trials}) == 2
)


@given(TRIALS)
def test_stepped_rate_is_an_error_at_the_nearest_point_and_never_lower(
    trials: list[tuple[int, bool]],
) -> None:
    scores = np.array([score for score, _ in trials], float)
    labels = np.array([label for _, label in trials])
    points = [
        (np.mean(scores[labels] < threshold), np.mean(scores[~labels] >= threshold))
        for threshold in [np.inf, *sorted(set(scores), reverse=True)]
    ]
    gap = min(abs(miss - alarm) for miss, alarm in points)
    allowed = [max(p) for p in points if abs(p[0] - p[1]) == pytest.approx(gap)]
    stepped = stepped_equal_error_rate(scores, labels)
    assert any(stepped == pytest.approx(one) for one in allowed)
    assert stepped >= equal_error_rate(scores, labels) - 1e-12


def test_the_two_definitions_by_hand() -> None:
    # Points (miss, false alarm): (1, 0) (2/3, 0) (1/3, 0) (1/3, 1/2) (0, 1/2) (0, 1).
    scores, labels = [5, 4, 3, 2, 1], [1, 1, 0, 1, 0]
    assert equal_error_rate(scores, labels) == pytest.approx(1 / 3)
    assert stepped_equal_error_rate(scores, labels) == pytest.approx(1 / 2)


def test_threshold_of_equal_errors_by_hand() -> None:
    assert detection_curve([4, 3, 2, 1], [1, 0, 1, 0]).equal_error_threshold == 3


@pytest.mark.parametrize(("rate", "miss"), [(0.0, 0.5), (0.3, 0.5), (0.5, 0.0), (1.0, 0.0)])
def test_miss_rate_at_a_false_alarm_rate_by_hand(rate: float, miss: float) -> None:
    assert detection_curve([4, 3, 2, 1], [1, 0, 1, 0]).miss_rate_at(rate) == miss


def test_miss_rate_needs_a_rate() -> None:
    with pytest.raises(ArgumentError, match=r"in \[0, 1\], got 12.5"):
        detection_curve([1, 0], [1, 0]).miss_rate_at(12.5)


def test_cllr_by_hand() -> None:
    # Odds of 3 for the target and of 1/3 for the non-target: log2(1 + 1/3) each.
    assert cllr([math.log(3), -math.log(3)], [1, 0]) == pytest.approx(math.log2(4 / 3))


def test_actual_cost_is_at_the_bayes_threshold() -> None:
    # Prior 0.2: threshold log 4 = 1.39. The first target is below it, no non-target above.
    ratios, labels = [1.0, 2.0, 0.0, -1.0], [1, 1, 0, 0]
    assert actual_dcf(ratios, labels, target_prior=0.2) == pytest.approx(0.5)
    assert min_dcf(ratios, labels, target_prior=0.2) == 0.0


@given(TRIALS, st.floats(-3, 3))
def test_actual_cost_is_never_below_the_minimum(
    trials: list[tuple[int, bool]], shift: float
) -> None:
    scores = np.array([score for score, _ in trials], float) + shift
    labels = [label for _, label in trials]
    assert actual_dcf(scores, labels) >= min_dcf(scores, labels) - 1e-9


def test_a_shift_that_misleads_costs() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(4000) < 2000
    ratios = np.where(labels, 2.0, -2.0) + 2.0 * random.normal(size=4000)  # calibrated
    assert cllr(ratios + 3, labels) > cllr(ratios, labels) + 0.2
    assert actual_dcf(ratios + 3, labels, target_prior=0.5) > actual_dcf(
        ratios, labels, target_prior=0.5
    )
