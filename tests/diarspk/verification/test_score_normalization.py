from __future__ import annotations

import numpy as np
import pytest

from diarspk.errors import ArgumentError
from diarspk.verification.score_normalization import adaptive_norm, cohort_statistics


def test_against_plain_loops() -> None:
    random = np.random.default_rng(0)
    left, right, cohort = (random.normal(size=(n, 6)) for n in (4, 4, 20))
    raw = random.normal(size=4)

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.sqrt((a @ a) * (b @ b)))

    expected = []
    for score, enrolment, test in zip(raw, left, right, strict=True):
        sides = []
        for side in (enrolment, test):
            best = sorted((cosine(side, other) for other in cohort), reverse=True)[:5]
            sides.append((score - np.mean(best)) / np.std(best))
        expected.append(sum(sides) / 2)
    found = adaptive_norm(
        raw, cohort_statistics(left, cohort, top=5), cohort_statistics(right, cohort, top=5)
    )
    np.testing.assert_allclose(found, expected)


def test_it_takes_out_a_shift_of_one_recording() -> None:
    """A recording near everybody (noise) gets no higher a score than a clean one for that."""
    random = np.random.default_rng(1)
    centre = random.normal(size=64)
    cohort = random.normal(size=(50, 64)) + 0.3 * centre
    plain, noisy = random.normal(size=(2, 64)) + [[0.0], [1.0]] * centre
    statistics = cohort_statistics(np.stack([plain, noisy]), cohort)
    assert statistics.mean[1] > statistics.mean[0] + 0.1


def test_a_small_cohort_counts_whole() -> None:
    cohort = np.eye(3)
    few, all_of_it = cohort_statistics([[1, 0, 0]], cohort, top=300), np.array([1.0, 0, 0])
    assert few.mean[0] == pytest.approx(all_of_it.mean())
    assert few.deviation[0] == pytest.approx(all_of_it.std())


def test_ill_formed() -> None:
    with pytest.raises(ArgumentError, match="dimension 3, got 2"):
        cohort_statistics(np.ones((1, 3)), np.ones((4, 2)))
    with pytest.raises(ArgumentError, match="at least 2"):
        cohort_statistics(np.ones((1, 3)), np.ones((1, 3)))
    one = cohort_statistics(np.ones((1, 3)), np.eye(3))
    with pytest.raises(ArgumentError, match="a row for each score"):
        adaptive_norm([0.1, 0.2], one, one)
