"""Clustering again agrees with reviewed turns, and they stay to the letter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.diarization.constraints import UNCONSTRAINED
from diarspk.diarization.reviewed_turns import add_reviewed_turns
from diarspk.editing import EditedDiarization
from diarspk.errors import ArgumentError
from tests.diarspk.diarization.test_result import make_first_pass, postprocess
from tests.diarspk.diarization.test_result_states import WINDOWS


def found_turns(diarization):
    return sorted(
        (round(segment.start, 3), round(segment.end, 3), label)
        for segment, _, label in diarization.annotation.itertracks(yield_label=True)
    )


def constraints_of(result, edited):
    return add_reviewed_turns(
        UNCONSTRAINED, edited.turns, result.first_pass.local, reliable_s=result.config.reliable_s
    )


@pytest.fixture
def monologues():
    """Four windows of one speaker each: 0, 1, 2, 0."""
    return postprocess(make_first_pass([[0, -1], [1, -1], [2, -1], [0, -1]]))


@pytest.fixture
def meeting():
    return postprocess(make_first_pass([[0, 1], [1, -1], [2, 0], [0, -1], [2, 1], [0, 1]]))


def test_a_result_is_edited_as_it_is(meeting):
    edited = meeting.edit()
    assert found_turns(edited) == found_turns(meeting)
    assert edited.uri == "meeting"
    assert edited.duration == meeting.duration
    assert sorted(edited.confidence.values()) == pytest.approx(
        sorted(meeting.confidence.values()), abs=0.001
    )


def test_reviewed_turns_of_one_speaker_are_linked(monologues):
    edited = monologues.edit().reassign(2, "SPEAKER_00").mark_reviewed(0)
    again = monologues.recluster(threshold=0.6, reviewed=edited)
    labels = again.linking.labels
    assert labels[0, 0] == labels[2, 0] != labels[1, 0]
    assert monologues.recluster(threshold=0.6).linking.labels[2, 0] != labels[0, 0]


def test_reviewed_turns_of_two_speakers_are_kept_apart(meeting):
    last = meeting.edit().turns[-1]
    assert (last.start, last.end, last.speaker) == (27.5, 30.0, "SPEAKER_01")
    edited = meeting.edit().reassign(last.number, "Zoe").mark_reviewed(1)
    again = meeting.recluster(reviewed=edited)
    assert again.linking.labels[1, 0] != again.linking.labels[5, 1]
    adopted = edited.adopt(again)
    assert (27.5, 30.0, "Zoe") in found_turns(adopted)
    assert (2.5, 10.0, "SPEAKER_01") in found_turns(adopted)
    assert adopted.undo().turns == edited.turns


def test_one_turn_alone_constrains_nothing(meeting):
    edited = meeting.edit().mark_reviewed(0)
    assert found_turns(meeting.recluster(reviewed=edited)) == found_turns(meeting)
    assert found_turns(meeting.recluster(reviewed=meeting.edit())) == found_turns(meeting)


def test_turns_without_speech_and_shared_local_speakers_constrain_nothing(monologues):
    silent = monologues.edit().add_turn(0.0, 0.1, "Zoe").mark_reviewed([0, 1])
    constraints = constraints_of(monologues, silent)
    assert constraints.same_speaker == []
    assert constraints.different_speakers == [((5.0, 10.0), (0.1, 5.0))]
    shared = monologues.edit().split_turn(0, 3.0).reassign(4, "Zoe").mark_reviewed([0, 1])
    assert constraints_of(monologues, shared).different_speakers == [((5.0, 10.0), (0.0, 3.0))]


def test_more_reviewed_speakers_than_are_allowed(monologues):
    edited = monologues.edit().mark_reviewed([0, 1, 2])
    with pytest.raises(ArgumentError, match=r"must be at least 3, .*\(SPEAKER_00, .*\), got 2"):
        monologues.recluster(num_speakers=2, reviewed=edited)
    assert len(monologues.recluster(num_speakers=3, reviewed=edited).speakers) == 3


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    windows=WINDOWS,
    marks=st.sets(st.integers(0, 9)),
    moves=st.dictionaries(st.integers(0, 9), st.sampled_from(["SPEAKER_00", "Zoe", "Yan"])),
    added=st.tuples(st.integers(0, 140), st.integers(1, 9)),
)
def test_reviewed_turns_survive_any_correction(windows, marks, moves, added):
    result = postprocess(make_first_pass(windows))
    edited = result.edit().add_turn(added[0] / 10, (added[0] + added[1]) / 10, "Zoe")
    numbers = edited.log.turns.by_number.keys()
    for number, speaker in moves.items():
        if number in numbers:
            edited = edited.reassign(number, speaker)
    if marks & numbers:
        edited = edited.mark_reviewed(sorted(marks & numbers))
    again = edited.adopt(result.recluster(reviewed=edited))
    reviewed = [turn for turn in edited.turns if turn.reviewed]
    assert [turn for turn in again.turns if turn.reviewed] == reviewed
    assert isinstance(again, EditedDiarization)
    assert again.undo().turns == edited.turns
