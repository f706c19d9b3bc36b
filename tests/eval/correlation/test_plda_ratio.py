"""The ratio of adjacent clusters, worked out by hand from densities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from diarspk.clustering.plda import Plda
from eval.correlation.plda_ratio import ClusteredWindows, adjacent_ratio, adjacent_ratios

BETWEEN = np.array([4.0, 0.5])
PLDA = Plda(np.zeros(2), np.zeros(2), np.eye(2), BETWEEN)


def by_density(first: np.ndarray, second: np.ndarray) -> float:
    """Log density of both from one speaker, less that from two, dimension by dimension."""
    total = 0.0
    for one, other, phi in zip(first, second, BETWEEN, strict=True):
        same = multivariate_normal(cov=[[1 + phi, phi], [phi, 1 + phi]])
        alone = multivariate_normal(cov=1 + phi)
        total += same.logpdf([one, other]) - alone.logpdf(one) - alone.logpdf(other)
    return float(total)


def test_each_cluster_is_compared_with_its_nearest() -> None:
    angles = np.radians([0, 10, 60, 80, 200, 210])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    session = ClusteredWindows(vectors.astype("f4"), np.array([0, 0, 1, 1, 2, 2]), ["x"] * 6)
    means = vectors.reshape(3, 2, 2).mean(1)
    means *= np.sqrt(2) / np.linalg.norm(means, axis=1, keepdims=True)  # length sqrt(dim)
    a, b, c = means
    near, far, across = by_density(a, b), by_density(b, c), by_density(a, c)
    expected = (max(near, across) + max(near, far) + max(far, across)) / 3
    assert adjacent_ratio(session, PLDA) == pytest.approx(expected, rel=1e-5)


def test_one_cluster_has_no_neighbour() -> None:
    session = ClusteredWindows(np.eye(2, dtype="f4"), np.zeros(2, np.int64), ["x", "y"])
    assert np.isnan(adjacent_ratio(session, PLDA))


def sessions(spread: float) -> list[ClusteredWindows]:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(8):
        voices = rng.normal(size=(3, 6))
        rows = np.repeat(np.arange(3), 8)
        vectors = voices[rows] + spread * rng.normal(size=(24, 6))
        found.append(ClusteredWindows(vectors.astype("f4"), rows, [f"{row}" for row in rows]))
    return found


def test_clusters_of_a_better_encoder_lie_further_apart() -> None:
    good, bad = adjacent_ratios(sessions(0.1)), adjacent_ratios(sessions(1.5))
    assert np.isfinite(good).all() and good.mean() < bad.mean() - 5


def test_no_session_is_judged_by_its_own_labels() -> None:
    one = sessions(0.5)
    other = [*one[:-1], ClusteredWindows(one[-1].vectors, one[-1].clusters, ["?"] * 24)]
    before, after = adjacent_ratios(one), adjacent_ratios(other)
    assert after[-1] == before[-1]
    assert not np.allclose(after[::2], before[::2])


def test_more_dimensions_than_windows_have_bounded_ratios() -> None:
    """Vectors of a few windows in a space of many dimensions, one of them without any variance."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(4):
        rows = np.repeat(np.arange(2), 6)
        vectors = rng.normal(size=(2, 200))[rows] + 0.5 * rng.normal(size=(12, 200))
        vectors[:, 0] = 0.0
        found.append(ClusteredWindows(vectors.astype("f4"), rows, [f"{row}" for row in rows]))
    assert np.abs(adjacent_ratios(found)).max() < 5e3  # without: 1e10 and more


def test_too_few_speakers_for_a_plda() -> None:
    silent = ClusteredWindows(np.eye(2, dtype="f4"), np.arange(2), ["", ""])
    assert np.isnan(adjacent_ratios([silent, silent])).all()
