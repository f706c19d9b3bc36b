"""Shrinkage of a PLDA: its limits are known."""

from __future__ import annotations

import numpy as np
import pytest

from diarspk.clustering.plda_training import fit_plda
from diarspk.errors import ArgumentError
from recipes.adopt.shrinkage import shrink


def made(seed: int = 0, dimension: int = 6):
    generator = np.random.default_rng(seed)
    scale = np.linspace(0.5, 2.0, dimension)
    voices = np.repeat(generator.normal(size=(60, dimension)) * 2 * scale[::-1], 8, axis=0)
    return voices + generator.normal(size=voices.shape) * scale, np.repeat(np.arange(60), 8)


def test_no_shrinkage_changes_no_likelihood_ratio():
    vectors, speakers = made()
    plda = fit_plda(vectors, speakers)
    same = shrink(plda, 0.0, 0.0)
    np.testing.assert_allclose(same.between, plda.between, rtol=1e-6)
    one, other = (each.log_likelihood_ratio(vectors[:20], vectors[20:40]) for each in (plda, same))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_all_of_it_leaves_distances_alone():
    vectors, speakers = made()
    plda = shrink(fit_plda(vectors, speakers), 1.0, 1.0)
    np.testing.assert_allclose(plda.between, plda.between[0], rtol=1e-9)
    gram = plda.transform.T @ plda.transform  # a rotation, and one scale
    np.testing.assert_allclose(gram, gram[0, 0] * np.eye(6), atol=1e-9)


def totals(plda):
    back = np.linalg.inv(plda.transform)
    return np.trace(back.T @ back), np.trace((back.T * plda.between) @ back)


def test_total_variances_stay():
    plda = fit_plda(*made())
    for weights in ((0.5, 0.3), (0.9, 0.0)):
        np.testing.assert_allclose(totals(shrink(plda, *weights)), totals(plda))


def test_a_truncated_one_is_refused():
    with pytest.raises(ArgumentError, match="must have all 6 dimensions, got 3"):
        shrink(fit_plda(*made()).truncated(3), 0.5, 0.5)
