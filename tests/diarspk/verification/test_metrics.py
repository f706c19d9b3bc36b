from __future__ import annotations

import doctest
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from diarspk.errors import ArgumentError
from diarspk.verification import metrics as verification
from diarspk.verification.metrics import detection_curve, equal_error_rate, min_dcf

TRIALS = st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=40).filter(
    lambda trials: len({target for _, target in trials}) == 2
)
"""Few distinct scores, so that ties are common."""


def split(trials: list[tuple[int, bool]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    scores, labels = zip(*trials, strict=True)
    return np.array(scores, dtype=float), np.array(labels)


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        ([2, 1, 0, -1], [1, 1, 0, 0], 0.0),
        ([2, 1, 0, -1], [0, 0, 1, 1], 1.0),
        ([0, 0, 0, 0], [1, 1, 0, 0], 0.5),  # one step from (miss 1, false alarm 0) to (0, 1)
        ([3, 2, 2, 1], [1, 1, 0, 0], 0.25),  # the tie: from (1/2, 0) to (0, 1/2)
        ([4, 3, 2, 1], [1, 0, 1, 0], 0.5),
        ([5, 4, 3, 2, 1], [1, 1, 0, 1, 0], 1 / 3),  # miss stays 1/3, false alarms 0 to 1/2
    ],
)
def test_equal_error_rate_by_hand(scores: list[float], labels: list[int], expected: float) -> None:
    assert equal_error_rate(scores, labels) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        ([2, 1, 0, -1], [1, 1, 0, 0], 0.0),
        ([2, 1, 0, -1], [0, 0, 1, 1], 1.0),  # nothing beats accepting nothing
        ([4, 3, 2, 1], [1, 0, 1, 0], 0.5),  # only the first: half of the targets missed
    ],
)
def test_min_dcf_by_hand(scores: list[float], labels: list[int], expected: float) -> None:
    assert min_dcf(scores, labels) == pytest.approx(expected)


@given(TRIALS)
def test_curve_equals_counting(trials: list[tuple[int, bool]]) -> None:
    scores, labels = split(trials)
    curve = detection_curve(scores, labels)
    for threshold, miss, alarm in zip(
        curve.thresholds, curve.miss_rates, curve.false_alarm_rates, strict=True
    ):
        assert miss == pytest.approx(np.mean(scores[labels] < threshold))
        assert alarm == pytest.approx(np.mean(scores[~labels] >= threshold))


@settings(deadline=None)  # its first call is slow
@given(TRIALS)
def test_equal_error_rate_equals_sklearn_roc(trials: list[tuple[int, bool]]) -> None:
    scores, labels = split(trials)
    false_alarm, hit, _ = roc_curve(labels, scores, drop_intermediate=False)
    dense = np.concatenate([np.linspace(a, b, 2_001) for a, b in pairwise(false_alarm)])
    miss = np.concatenate([np.linspace(1 - a, 1 - b, 2_001) for a, b in pairwise(hit)])
    nearest = np.argmin(np.abs(dense - miss))
    assert equal_error_rate(scores, labels) == pytest.approx(dense[nearest], abs=1e-3)


@given(TRIALS)
def test_min_dcf_equals_trying_every_threshold(trials: list[tuple[int, bool]]) -> None:
    scores, labels = split(trials)
    costs = [
        0.05 * np.mean(scores[labels] < threshold) + 0.95 * np.mean(scores[~labels] >= threshold)
        for threshold in [*scores, np.inf]
    ]
    assert min_dcf(scores, labels, target_prior=0.05) == pytest.approx(min(costs) / 0.05)


@given(TRIALS)
def test_figures_see_only_the_order(trials: list[tuple[int, bool]]) -> None:
    scores, labels = split(trials)
    assert equal_error_rate(np.exp(scores), labels) == equal_error_rate(scores, labels)
    assert min_dcf(3 * scores - 7, labels) == min_dcf(scores, labels)


@given(TRIALS)
def test_exchanging_targets_and_order_keeps_equal_error_rate(
    trials: list[tuple[int, bool]],
) -> None:
    scores, labels = split(trials)
    assert equal_error_rate(-scores, ~labels) == pytest.approx(equal_error_rate(scores, labels))


@pytest.mark.parametrize(
    ("scores", "labels", "fault"),
    [
        ([], [], "target and non-target"),
        ([1, 2], [1, 1], "got 2 targets in 2 trials"),
        ([1, 2, 3], [0, 1], r"shapes \(3,\) and \(2,\)"),
        ([[1, 2]], [[0, 1]], "one-dimensional"),
        ([1, np.nan], [0, 1], "NaN"),
        ([1, 2, 3], [0, 1, 2], "0 or 1"),
    ],
)
def test_ill_formed_trials(scores: list[float], labels: list[int], fault: str) -> None:
    with pytest.raises(ArgumentError, match=fault):
        equal_error_rate(scores, labels)


def test_ill_formed_costs() -> None:
    with pytest.raises(ArgumentError, match="`target_prior`"):
        min_dcf([1, 0], [1, 0], target_prior=1.0)
    with pytest.raises(ArgumentError, match="`miss_cost`"):
        min_dcf([1, 0], [1, 0], miss_cost=0)


def test_examples() -> None:
    assert doctest.testmod(verification).failed == 0
