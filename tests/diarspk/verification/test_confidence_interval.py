from __future__ import annotations

import numpy as np
import pytest

from diarspk.errors import ArgumentError
from diarspk.verification.confidence_interval import bootstrap_interval
from diarspk.verification.metrics import equal_error_rate


def mean_score(scores: np.ndarray, labels: np.ndarray) -> float:
    return float(scores.mean())


def test_interval_of_a_mean_is_the_textbook_one() -> None:
    random = np.random.default_rng(0)
    scores, labels = random.normal(size=2000), np.arange(2000) % 2
    found = bootstrap_interval(mean_score, scores, labels, resamples=500)
    half = 1.96 * scores.std() / np.sqrt(2000)
    assert found.value == scores.mean()
    assert found.low == pytest.approx(scores.mean() - half, abs=0.3 * half)
    assert found.high == pytest.approx(scores.mean() + half, abs=0.3 * half)


def test_repeating_every_trial_does_not_narrow_it_when_grouped() -> None:
    """A copy of a trial is no evidence: only the grouped interval knows."""
    random = np.random.default_rng(0)
    scores, labels = random.normal(size=100), np.arange(100) % 2
    many, twice = np.repeat(scores, 16), np.repeat(labels, 16)
    single = bootstrap_interval(mean_score, scores, labels)
    naive = bootstrap_interval(mean_score, many, twice)
    grouped = bootstrap_interval(mean_score, many, twice, groups=np.repeat(np.arange(100), 16))
    assert naive.high - naive.low < 0.5 * (single.high - single.low)
    assert grouped.high - grouped.low == pytest.approx(single.high - single.low, rel=0.15)


def test_the_same_seed_gives_the_same_interval() -> None:
    random = np.random.default_rng(0)
    scores, labels = random.normal(size=60), np.arange(60) % 2
    first, again, other = (
        bootstrap_interval(equal_error_rate, scores, labels, resamples=50, seed=seed)
        for seed in (1, 1, 2)
    )
    assert first == again != other
    assert first.low <= first.value <= first.high


def test_ill_formed() -> None:
    with pytest.raises(ArgumentError, match="equally long"):
        bootstrap_interval(mean_score, [1, 2], [1, 0], groups=["a"])
    with pytest.raises(ArgumentError, match="`confidence`"):
        bootstrap_interval(mean_score, [1, 2], [1, 0], confidence=95)
    with pytest.raises(ArgumentError, match="`groups`"):
        bootstrap_interval(mean_score, [1, 2, 3], [1, 1, 1])
