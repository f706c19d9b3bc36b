"""Multi-stage clustering: which stage decides, and sessions that grow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.clustering import AgglomerativeClusterer, EigengapClusterer, MultiStageClusterer
from diarspk.clustering.multistage import match_labels
from diarspk.errors import ArgumentError
from tests.diarspk.clustering.test_clusterers import conversation

CLUSTERER = MultiStageClusterer(
    AgglomerativeClusterer(0.5), fewest_rows=20, exact_up_to=30, most_held=60
)


def test_few_windows_go_to_the_fallback_and_more_to_the_main_clusterer():
    never = AgglomerativeClusterer(0.0)
    always = AgglomerativeClusterer(2.0)
    stages = MultiStageClusterer(always, never, fewest_rows=20, exact_up_to=30)
    embeddings, _ = conversation(3)
    assert stages(embeddings[:19]).max() == 18
    for count in (20, 30, 31, 120):
        assert stages(embeddings[:count]).max() == 0


@pytest.mark.parametrize("step", [1, 7, 50])
def test_a_growing_session_ends_with_the_true_speakers(step):
    embeddings, truth = conversation(4, windows=240)
    session = CLUSTERER.start()
    for first in range(0, len(embeddings), step):
        labels = session.add(embeddings[first : first + step])
        assert len(labels) == min(first + step, len(embeddings))
        assert session.held <= CLUSTERER.most_held
    assert np.array_equal(match_labels(labels, np.zeros(0, int)), truth)
    assert np.array_equal(session.labels, labels)


def test_speakers_keep_their_numbers_as_a_session_grows():
    embeddings, truth = conversation(3, windows=120)
    session = CLUSTERER.start()
    for first in range(0, 120, 12):
        labels = session.add(embeddings[first : first + 12])
        assert np.array_equal(labels, truth[: first + 12])


def test_bounds_hold_in_a_growing_session():
    embeddings, _ = conversation(4, windows=120)
    session = CLUSTERER.start(max_speakers=2)
    for first in range(0, 120, 10):
        assert len(np.unique(session.add(embeddings[first : first + 10]))) <= 2
    exact = CLUSTERER.start(num_speakers=5)
    assert len(np.unique(exact.add(embeddings))) == 5


def test_cannot_link_pairs_of_a_growing_session():
    embeddings = np.ones((10, 3))
    session = CLUSTERER.start(max_speakers=2)
    session.add(embeddings, cannot_link=[[0, 1]])
    labels = session.add(embeddings, cannot_link=[[3, 4]])
    assert labels[0] != labels[1]
    assert labels[13] != labels[14]


def test_nothing_yet_and_nothing_new():
    session = CLUSTERER.start()
    assert session.labels.shape == (0,)
    assert session.held == 0
    session.add(np.eye(3))
    assert len(session.add(np.zeros((0, 3)))) == 3
    with pytest.raises(ArgumentError, match=r"shape \(m, 3\) as before"):
        session.add(np.ones((2, 4)))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=30),
    st.lists(st.integers(0, 6), max_size=30),
)
def test_matching_renames_and_nothing_else(labels, earlier):
    labels, earlier = np.array(labels), np.array(earlier[: len(labels)], dtype=int)
    renamed = match_labels(labels, earlier)
    assert np.array_equal(labels[:, None] == labels, renamed[:, None] == renamed)
    assert np.array_equal(match_labels(renamed, renamed), renamed)


def test_stages_must_rise():
    with pytest.raises(ArgumentError, match="must rise from 1, got 50, 40 and 600"):
        MultiStageClusterer(EigengapClusterer(), exact_up_to=40)
