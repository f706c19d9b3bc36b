"""Weighted measures against lists in which everything drawn stands as often as it was drawn."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from diarspk.verification.metrics import equal_error_rate
from eval.correlation.measures import (
    CLLR,
    COMBINED,
    CONVENTIONAL,
    IMPURITY,
    PLDA_RATIO,
    EncoderFigures,
    UtterancePairs,
)
from eval.intra_session.scoring import RankedTrials

SPEAKERS = ["a", "a", "b", "b", "b", "c", "c"]


def utterances() -> UtterancePairs:
    return UtterancePairs(np.random.default_rng(0).normal(size=(7, 4)).astype("f4"), SPEAKERS)


def test_a_person_drawn_twice_is_two_people() -> None:
    vectors = np.random.default_rng(0).normal(size=(7, 4)).astype("f4")
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    drawn = {"a": 2, "b": 1, "c": 0}
    rows = [(row, (name, copy)) for row, name in enumerate(SPEAKERS) for copy in range(drawn[name])]
    trials = [
        (float(unit[first] @ unit[second]), one == other)
        for (first, one), (second, other) in combinations(rows, 2)
        if one == other or one[0] != other[0]
    ]
    scores, labels = zip(*trials, strict=True)
    found = utterances().equal_error_rate(np.array([2, 1, 0]))
    assert found == pytest.approx(equal_error_rate(scores, labels), abs=1e-6)


def figures() -> EncoderFigures:
    rng = np.random.default_rng(1)
    session = np.repeat([0, 1, 2], 20)
    return EncoderFigures(
        "one",
        "origin",
        False,
        utterances(),
        {"combined": RankedTrials(rng.normal(size=60), rng.random(60) < 0.4, session)},
        {"der oracle known": np.array([[1.0, 10.0], [3.0, 10.0], [8.0, 20.0]])},
        np.array([[9.0, 10.0], [6.0, 10.0], [20.0, 20.0]]),
        np.array([0.5, np.nan, 0.9]),
        np.array([np.nan, -4.0, -1.0]),
    )


def test_measures_of_drawn_sessions_by_hand() -> None:
    found = figures().measure(np.array([2, 1, 0]))
    assert found["der oracle known"] == pytest.approx(5 / 30)
    assert found[IMPURITY] == pytest.approx(1 - 24 / 30)
    assert found[CLLR] == 0.5
    assert found[PLDA_RATIO] == -4.0
    assert np.isnan(found["eer clean"])  # no trial
    assert np.isnan(figures().measure(np.array([3, 0, 0]))[PLDA_RATIO])


def test_drawn_sessions_stand_as_often_in_the_list() -> None:
    rng = np.random.default_rng(1)
    scores, labels = rng.normal(size=60), rng.random(60) < 0.4
    rows = np.concatenate([np.arange(20), np.arange(20), np.arange(40, 60)])
    expected = equal_error_rate(scores[rows], labels[rows])
    assert figures().measure(np.array([2, 0, 1]))[COMBINED] == pytest.approx(expected)


def test_without_weights_everything_counts_once() -> None:
    one, other = figures().measure(), figures().measure(np.ones(3, int), np.ones(3, int))
    assert one == pytest.approx(other, nan_ok=True)
    assert np.isfinite(one[CONVENTIONAL])
