"""Matching of local speakers to speakers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from diarspk.clustering import Clustering
from diarspk.diarization.assignment import assign_to_centroids, give_to_cut, match_rows
from diarspk.diarization.local_speakers import LocalSpeakers

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


def test_a_speaker_who_was_cut_off_has_the_local_speaker_of_the_cut_alone():
    """Of 10 frames each: the first is a third of the cut, the second wholly, the third not."""
    activity = np.zeros((2, 20, 2), np.float32)
    activity[0, :10, 0] = activity[0, 10:, 1] = activity[1, 10:, 0] = 1.0
    talking = np.array([[1.0, 1.0], [1.0, 0.0]])
    local = LocalSpeakers(
        activity, np.array([0, 20]), np.zeros((2, 2, 1), np.float32), talking, 40, 0.1, 0.0
    )
    centres = np.array([2, 5, 8, 12, 15, 18, 32, 36])
    found = Clustering(np.array([0, 0, 1, 1, 1, 1, 0, 0]), cut_from={1: 0})
    labels = np.array([[0, 0], [0, -1]])
    assert give_to_cut(local, labels, centres, found).tolist() == [[0, 1], [0, -1]]


def test_two_local_speakers_of_a_window_are_one_person_only_by_a_margin():
    # Both are like the first centroid, and talk alone in turn; the third is too short to tell.
    embeddings = np.array([[[1.0, 0.0], [0.96, 0.28], [0.96, 0.28]]], np.float32)
    activity = np.zeros((1, 100, 3), np.float32)
    activity[0, :40, 0], activity[0, 40:80, 1], activity[0, 80:90, 2] = 1, 1, 1
    seconds = activity.sum(1) * 0.04
    local = LocalSpeakers(activity, np.array([0]), embeddings, seconds, 100, 0.04, 0.0)
    centroids = np.array([[1.0, 0.0], [0.0, 1.0]])
    nobody = np.full((1, 3), -1)

    def label(margin, speakers=3):
        rest = np.arange(3)[None] < speakers
        return assign_to_centroids(local, nobody, rest, centroids, same_voice_margin=margin)[
            0
        ].tolist()

    assert label(None, 2) == [0, 1, -1]
    assert label(0.7, 2) == [0, 1, -1]  # 0.96 - 0.28 is less
    assert label(0.6, 2) == [0, 0, -1]
    local.activity[0, 60:80, 1] = 0.0  # 0.8 s
    assert label(0.6, 2) == [0, 1, -1]
    local.activity[0, 40:80, 1], local.activity[0, 40:80, 0] = 1.0, 1.0  # in overlap
    assert label(0.6, 2) == [0, 1, -1]
