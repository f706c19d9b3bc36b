"""Cllr of sessions against an implementation of its own, with scipy's optimiser."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from eval.correlation.session_calibration import session_cllr


def trials() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    session = np.repeat(np.arange(6), 60)
    labels = rng.random(360) < 0.3
    return np.where(labels, 0.5, 0.1) + 0.2 * rng.normal(size=360), labels, session


def cost_in_bits(ratios: np.ndarray, labels: np.ndarray) -> float:
    """Brummer and du Preez (2006), eq. 8, trial by trial."""
    targets = [math.log2(1 + math.exp(-one)) for one in ratios[labels]]
    others = [math.log2(1 + math.exp(one)) for one in ratios[~labels]]
    return (sum(targets) / len(targets) + sum(others) / len(others)) / 2


def test_each_half_is_calibrated_by_the_other() -> None:
    scores, labels, session = trials()
    expected = np.empty(6)
    for half in (0, 1):
        fitted = session % 2 != half

        def cost(line: np.ndarray, fitted: np.ndarray = fitted) -> float:
            return cost_in_bits(line[0] * scores[fitted] + line[1], labels[fitted])

        scale, offset = minimize(cost, [5.0, -1.0]).x
        for number in range(half, 6, 2):
            mine = session == number
            expected[number] = cost_in_bits(scale * scores[mine] + offset, labels[mine])
    assert session_cllr(scores, labels, session, 6) == pytest.approx(expected, abs=2e-3)


def test_a_session_does_not_calibrate_itself() -> None:
    scores, labels, session = trials()
    before = session_cllr(scores, labels, session, 6)
    moved = np.where(session == 0, scores + 1.0, scores)
    after = session_cllr(moved, labels, session, 6)
    assert after[0] > before[0]
    assert after[[2, 4]] == pytest.approx(before[[2, 4]])
    assert not np.allclose(after[[1, 3, 5]], before[[1, 3, 5]])


def test_scores_that_mean_nothing_cost_a_bit_and_lone_kinds_are_unknown() -> None:
    scores, labels, session = trials()
    assert session_cllr(-scores, labels, session, 6) == pytest.approx(np.ones(6))
    lone = np.where(session == 2, True, labels)
    found = session_cllr(scores, lone, session, 7)
    assert np.isnan(found[2]) and np.isnan(found[6]) and np.isfinite(found[[0, 1, 3, 4, 5]]).all()
