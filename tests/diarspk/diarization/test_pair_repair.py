"""Pairs of spans change a clustering that knew nothing of them, as little as they need."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.clustering.speaker_bounds import UNBOUNDED, SpeakerBounds
from diarspk.diarization.constraint_pairs import clustered_rows, find_span_rows
from diarspk.diarization.constraints import Constraints
from diarspk.diarization.linking import Linking
from diarspk.diarization.pair_repair import respect_pairs
from diarspk.diarization.reviewed_turns import add_reviewed_turns
from diarspk.errors import ArgumentError
from tests.diarspk.diarization.test_result import make_first_pass, postprocess
from tests.diarspk.diarization.test_result_states import WINDOWS

PEOPLE = [[0, -1], [1, -1], [0, -1], [2, -1], [2, -1], [0, 1]]
MERGED = [[0, -1], [1, -1], [0, -1], [0, -1], [0, -1], [0, 1]]
"""Labels in which the third person was taken for the first."""


def repair(labels=MERGED, people=PEOPLE, *, bounds=UNBOUNDED, **pairs):
    local = make_first_pass(people).local
    linking = Linking(np.array(labels), {2: 1.0})
    constraints = Constraints(bounds=bounds, **pairs)
    return respect_pairs(local, linking, constraints, reliable_s=1.0, similarity=0.5)


def test_who_must_differ_divides_what_was_one_speaker():
    found = repair(different_speakers=[((0.0, 4.0), (15.5, 19.0))])
    assert found.labels.tolist() == [[0, -1], [1, -1], [0, -1], [2, -1], [2, -1], [0, 1]]
    assert found.count_scores == {3: 1.0}


def test_what_agrees_already_stays_as_it_is():
    found = repair(
        same_speaker=[((0.0, 4.0), (10.5, 14.0))], different_speakers=[((0.0, 4.0), (5.5, 9.0))]
    )
    assert found.labels.tolist() == MERGED
    assert found.count_scores == {2: 1.0}


def test_where_no_more_speakers_are_allowed_another_one_is_taken():
    pairs = {"different_speakers": [((0.0, 4.0), (15.5, 19.0))]}
    found = repair(bounds=SpeakerBounds(exact=2), **pairs)
    assert found.labels[0, 0] != found.labels[3, 0]
    assert set(found.labels.ravel().tolist()) == {-1, 0, 1}
    three = [((0.0, 4.0), (5.5, 9.0)), ((0.0, 4.0), (15.5, 19.0)), ((5.5, 9.0), (15.5, 19.0))]
    assert repair(bounds=SpeakerBounds(exact=2), different_speakers=three) is None


def test_a_speaker_who_is_similar_is_taken_before_a_new_one():
    labels = [[0, -1], [0, -1], [0, -1], [2, -1], [2, -1], [0, 1]]  # the second window is of 1
    found = repair(labels, different_speakers=[((0.0, 4.0), (5.5, 9.0))])
    assert found.labels.tolist() == [[0, -1], [1, -1], [0, -1], [2, -1], [2, -1], [0, 1]]


def test_linked_spans_are_of_whom_most_of_their_speech_is():
    labels = [[0, -1], [1, -1], [0, -1], [2, -1], [1, -1], [0, 1]]
    found = repair(labels, same_speaker=[((15.5, 19.0), (20.5, 24.0)), ((0.0, 4.0), (10.5, 14.0))])
    assert found.labels[3, 0] == found.labels[4, 0]
    assert found.labels[0, 0] == found.labels[2, 0] == 0


def test_a_linked_speaker_sends_away_who_shares_its_window():
    found = repair(same_speaker=[((0.0, 4.0), (28.0, 29.5))])
    assert found.labels[5].tolist() == [1, 0]


def test_fewer_speakers_than_are_needed_are_refused():
    everyone = {"people": [[0, -1], [1, -1]], "same_speaker": [((0.0, 4.0), (5.5, 9.0))]}
    assert repair([[0, -1], [1, -1]], bounds=SpeakerBounds(exact=2), **everyone) is None
    assert repair([[0, -1], [1, -1]], **everyone).labels.tolist() == [[0, -1], [0, -1]]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    windows=WINDOWS,
    marks=st.sets(st.integers(0, 12), min_size=2),
    moves=st.dictionaries(st.integers(0, 12), st.sampled_from(["SPEAKER_00", "Zoe", "Yan"])),
    data=st.data(),
)
def test_pairs_hold_whatever_the_clustering_was(windows, marks, moves, data):
    result = postprocess(make_first_pass(windows))
    local, edited = result.first_pass.local, result.edit()
    for number, speaker in moves.items():
        if number in edited.log.turns.by_number:
            edited = edited.reassign(number, speaker)
    if marks & edited.log.turns.by_number.keys():
        edited = edited.mark_reviewed(sorted(marks & edited.log.turns.by_number.keys()))
    constraints = add_reviewed_turns(Constraints(), edited.turns, local, reliable_s=1.0)
    shape = local.seconds.shape
    drawn = data.draw(st.lists(st.integers(0, 2), min_size=local.seconds.size,
                               max_size=local.seconds.size))  # fmt: skip
    labels = np.where(local.talking, np.array(drawn).reshape(shape), -1)
    linking = Linking(labels, {3: 1.0}).without_gaps()
    found = respect_pairs(local, linking, constraints, reliable_s=1.0, similarity=0.5)
    assert ((found.labels >= 0) == (labels >= 0)).all()
    rows = clustered_rows(local, 1.0, constraints.bounds.needed)

    def speakers(span):
        places = find_span_rows(local, rows, span)
        return set(found.labels[rows.windows[places], rows.speakers[places]].tolist())

    for one, other in constraints.same_speaker:
        assert len(speakers(one) | speakers(other)) == 1
    for one, other in constraints.different_speakers:
        assert not speakers(one) & speakers(other)
    if not constraints.has_pairs:
        assert np.array_equal(found.labels, linking.labels)


def test_spans_without_speech_are_refused():
    with pytest.raises(ArgumentError, match="nobody talks for long enough"):
        repair(same_speaker=[((0.0, 1.0), (900.0, 901.0))])
