from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diarspk.embeddings.profile import build_profile
from diarspk.embeddings.space import require_same_space
from diarspk.embeddings.unit_vectors import unit_rows
from diarspk.errors import ArgumentError, ModelError


def references(count: int, seed: int = 0, noise: float = 0.1) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=16) + noise * random.normal(size=(count, 16))


@given(st.integers(1, 6), st.integers(0, 50), st.floats(0.1, 10))
def test_each_reference_counts_the_same_whatever_its_norm(
    count: int, seed: int, scale: float
) -> None:
    rows = references(count, seed)
    scaled = rows.copy()
    scaled[0] *= scale
    np.testing.assert_allclose(build_profile(scaled).vector, build_profile(rows).vector, atol=1e-5)


def test_mean_of_unit_vectors_by_hand() -> None:
    profile = build_profile([[3.0, 0.0], [0.0, 5.0]])
    np.testing.assert_allclose(profile.vector, [0.5**0.5, 0.5**0.5], atol=1e-6)
    np.testing.assert_allclose(profile.similarities, [0, 0], atol=1e-6)
    assert build_profile([3.0, 4.0]).similarities.tolist() == [1.0]


def test_another_speaker_among_the_references_is_found_and_can_be_left_out() -> None:
    rows = references(6)
    mixed = np.insert(rows, 2, references(1, seed=5), axis=0)
    profile = build_profile(mixed)
    assert profile.outliers == (2,)
    np.testing.assert_allclose(
        build_profile(mixed, drop_outliers=True).vector, build_profile(rows).vector, atol=1e-6
    )
    assert np.abs(profile.vector - build_profile(rows).vector).max() > 0.01
    assert build_profile(rows).outliers == ()


def test_two_references_cannot_say_which_is_wrong() -> None:
    assert build_profile([[1.0, 0.0], [0.0, 1.0]]).outliers == ()


def test_ill_formed() -> None:
    with pytest.raises(ArgumentError, match="mean of zero"):
        build_profile([[1.0, 0.0], [-1.0, 0.0]])
    with pytest.raises(ArgumentError, match="finite and not zero"):
        build_profile([[0.0, 0.0]])
    with pytest.raises(ArgumentError, match=r"\(n, 3\), got \(2,\)"):
        unit_rows([1.0, 2.0], 3)


def test_spaces_do_not_mix() -> None:
    require_same_space("a", "a", "FILE")
    with pytest.raises(ModelError, match="FILE holds embeddings of fingerprint a, got one of b"):
        require_same_space("a", "b", "FILE")
