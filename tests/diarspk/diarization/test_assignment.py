"""Matching of local speakers to speakers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from diarspk.diarization.assignment import match_rows

GAINS = st.tuples(st.integers(0, 4), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.sampled_from([-3.0, -1.0, 0.0, 0.3, 0.31]))
)


@given(GAINS)
def test_no_matching_has_a_larger_sum(gains):
    rows, columns = match_rows(gains)
    best = linear_sum_assignment(gains, maximize=True)
    assert len(rows) == min(gains.shape)
    assert len(set(rows.tolist())) == len(rows) and len(set(columns.tolist())) == len(columns)
    assert np.isclose(gains[rows, columns].sum(), gains[best].sum())


@given(st.integers(0, 1000), st.integers(1, 3), st.integers(1, 6))
def test_without_ties_it_is_the_matching_of_scipy(seed, count, speakers):
    gains = np.random.default_rng(seed).normal(size=(count, speakers))
    rows, columns = match_rows(gains)
    expected_rows, expected_columns = linear_sum_assignment(-gains)
    assert rows.tolist() == expected_rows.tolist()
    assert columns.tolist() == expected_columns.tolist()
