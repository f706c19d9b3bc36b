from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diarspk.verification.fairness import compare_groups, gini

RATES = st.lists(st.floats(0, 1), min_size=2, max_size=8)


def test_gini_by_hand() -> None:
    # Differences 0.1, 0.1, 0.2 twice: 0.8 / (2 * 9 * 0.2) = 2/9, times 3/2.
    assert gini([0.1, 0.2, 0.3]) == pytest.approx(1 / 3)
    assert gini([0.0, 0.0]) == 0.0


@given(RATES, st.permutations(range(8)), st.floats(0.1, 5))
def test_gini_ignores_order_and_scale(rates: list[float], order: list[int], scale: float) -> None:
    shuffled = [rates[index] * scale for index in order if index < len(rates)]
    assert gini(shuffled) == pytest.approx(gini(rates), abs=1e-9)
    assert -1e-9 <= gini(rates) <= 1 + 1e-9


def trials(shift: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Group b's target scores are lower by ``shift``."""
    random = np.random.default_rng(0)
    labels = np.arange(4000) % 2 == 0
    groups = ["a" if index % 4 < 2 else "b" for index in range(4000)]
    lowered = np.array([shift * (group == "b") for group in groups]) * labels
    return labels + 0.4 * random.normal(size=4000) - lowered, labels, groups


def test_a_group_that_is_missed_more_is_seen() -> None:
    fair, unfair = (compare_groups(*trials(shift), 0.5) for shift in (0.0, 0.4))
    rates = {group.group: group for group in unfair.groups}
    assert rates["b"].miss_rate > 3 * rates["a"].miss_rate
    assert rates["b"].false_alarm_rate == pytest.approx(rates["a"].false_alarm_rate, abs=0.03)
    assert unfair.garbe(0.0) == unfair.miss_gini > fair.miss_gini + 0.3
    assert unfair.garbe() == pytest.approx((unfair.miss_gini + unfair.false_alarm_gini) / 2)


def test_rates_are_counted() -> None:
    scores = [0.9, 0.1, 0.8, 0.2] * 2
    labels = [1, 1, 0, 0] * 2
    report = compare_groups(scores, labels, ["a"] * 4 + ["b"] * 4, 0.5, min_trials=2)
    assert [(one.miss_rate, one.false_alarm_rate) for one in report.groups] == [(0.5, 0.5)] * 2
    assert report.garbe() == 0.0


def test_small_groups_are_named_and_left_out() -> None:
    scores, labels, groups = trials(0.0)
    groups[0] = groups[1] = "c"
    groups[2] = ""
    report = compare_groups(scores, labels, groups, 0.5)
    assert report.skipped == ("c",)
    assert [one.group for one in report.groups] == ["a", "b"]
    (few,) = report.few
    assert (few.targets, few.non_targets, few.false_alarm_rate) == (1, 1, few.false_alarm_rate)


def test_one_group_is_reported_without_an_inequality() -> None:
    scores, labels, _ = trials(0.0)
    report = compare_groups(scores, labels, ["a"] * 4000, 0.5)
    assert [one.group for one in report.groups] == ["a"]
    assert report.garbe() is report.miss_gini is None


def test_a_group_without_trials_of_one_kind_has_no_such_rate() -> None:
    report = compare_groups([0.9, 0.1, 0.2], [1, 1, 0], ["a", "a", "b"], 0.5)
    one, two = report.few
    assert (one.miss_rate, one.false_alarm_rate, one.equal_error_rate) == (0.5, None, None)
    assert (two.miss_rate, two.false_alarm_rate) == (None, 0.0)
    assert report.groups == () and report.skipped == ("a", "b")
