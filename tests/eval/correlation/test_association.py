"""Coefficients against scipy and known laws, and their intervals from samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import kendalltau, pearsonr, spearmanr

from diarspk.errors import ArgumentError
from eval.correlation.association import associate, compare

Values = NDArray[np.float64]


def measures(seed: int, encoders: int = 14) -> Values:
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=encoders)
    return np.stack([quality + noise * rng.normal(size=encoders) for noise in (0.3, 0.5, 2.0)])


def samples(columns: Values, count: int) -> list[Values]:
    drawn = np.random.default_rng(0).integers(columns.shape[1], size=(count, columns.shape[1]))
    return [columns[:, one] for one in drawn]


def test_coefficients_are_scipys() -> None:
    columns = measures(0)
    first, second, third = columns
    found = associate(first, second, given=third, samples=samples(columns, 50))
    assert found.pearson.value == pytest.approx(pearsonr(first, second).statistic)
    assert found.spearman.value == pytest.approx(spearmanr(first, second).statistic)
    assert found.kendall.value == pytest.approx(kendalltau(first, second).statistic)
    for one in (found.pearson, found.spearman, found.kendall, found.partial):
        assert one is not None and -1 <= one.low < one.high <= 1 and one.deviation > 0


def test_the_partial_coefficient_is_that_of_residuals() -> None:
    columns = measures(1).argsort(axis=1).argsort(axis=1).astype(float)
    design = np.stack([np.ones(columns.shape[1]), columns[2]], axis=1)
    rests = [one - design @ np.linalg.lstsq(design, one, rcond=None)[0] for one in columns[:2]]
    found = associate(columns[0], columns[1], given=columns[2]).partial
    assert found is not None
    assert found.value == pytest.approx(pearsonr(*rests).statistic)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_ranks_know_no_scale(seed: int) -> None:
    first, second, _ = measures(seed, encoders=6)
    plain, bent = associate(first, second), associate(np.exp(first), -3 * second)
    assert bent.spearman.value == pytest.approx(-plain.spearman.value)
    assert bent.kendall.value == pytest.approx(-plain.kendall.value)


def test_the_better_predictor_is_told() -> None:
    columns = measures(2, encoders=40)
    target, close, far = columns
    drawn = samples(columns, 200)
    assert compare(target, close, far, samples=drawn).low > 0
    turned = [one[[0, 2, 1]] for one in drawn]
    assert compare(target, far, close, samples=turned).high < 0
    assert compare(target, close, close).value == 0


def test_undefined_and_bad_measures() -> None:
    flat = associate([1, 1, 1, 1], [1, 2, 3, 4], samples=[np.ones((2, 4))] * 3)
    assert np.isnan(flat.pearson.value) and np.isnan(flat.spearman.low)
    for first, second in (([1, 2, 3], [1, 2, 3]), ([1, 2, 3, 4], [1, 2, 3, 4, 5])):
        with pytest.raises(ArgumentError, match="4 encoders or more"):
            associate(first, second)
    with pytest.raises(ArgumentError, match="finite"):
        associate([1, 2, 3, np.nan], [1, 2, 3, 4])


def test_samples_in_which_a_measure_is_unknown_are_left_out() -> None:
    columns = measures(3)[:2]
    drawn = samples(columns, 30)
    holed = [*drawn, np.full((2, 5), np.nan)]
    assert associate(*columns, samples=holed) == associate(*columns, samples=drawn)
