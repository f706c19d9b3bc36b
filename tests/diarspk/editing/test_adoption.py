"""Another diarization is taken over, and what a person has reviewed or removed stays so."""

from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.editing import EditedDiarization
from diarspk.editing.matching import match_names
from tests.diarspk.editing.meetings import DURATION_S, annotate, annotations, as_tuples, edit

FIRST = [(0.0, 4.0, "SPEAKER_00"), (4.0, 9.0, "SPEAKER_01"), (9.0, 12.0, "SPEAKER_00")]


def adopted(edited, *turns):
    return as_tuples(edited.adopt(annotate(*turns)).turns)


def test_reviewed_turns_stay_to_the_letter_and_names_with_them():
    edited = edit(*FIRST).rename({"SPEAKER_00": "Alice"}).mark_reviewed(0)
    fresh = [(0.1, 4.2, "SPEAKER_01"), (4.2, 9.0, "SPEAKER_02"), (9.0, 12.0, "SPEAKER_01")]
    assert adopted(edited, *fresh) == [
        (0.0, 4.0, "Alice"),
        (4.0, 4.2, "Alice"),
        (4.2, 9.0, "SPEAKER_01"),
        (9.0, 12.0, "Alice"),
    ]


def test_names_outlive_it_without_any_review():
    edited = edit(*FIRST).rename({"SPEAKER_00": "Alice"})
    assert adopted(edited, (0.0, 4.0, "X"), (4.0, 12.0, "Y")) == [
        (0.0, 4.0, "Alice"),
        (4.0, 12.0, "SPEAKER_01"),
    ]


def test_a_turn_that_went_to_somebody_else_is_not_there_twice():
    edited = edit(*FIRST).reassign(2, "Carol")
    assert adopted(edited, *FIRST) == [*FIRST[:2], (9.0, 12.0, "Carol")]


def test_overlap_with_a_reviewed_turn_stays():
    edited = edit(*FIRST).mark_reviewed(1)
    fresh = [(0.0, 4.0, "SPEAKER_00"), (4.0, 9.0, "SPEAKER_01"), (6.0, 7.0, "SPEAKER_00")]
    assert adopted(edited, *fresh) == fresh


def test_what_was_given_to_another_speaker_does_not_come_back_beside():
    """Ben's interjection was Ann's own speech all the time."""
    turns = [(0.0, 6.0, "Ann"), (2.0, 3.0, "Ben"), (8.0, 14.0, "Ben")]
    expected = [(0.0, 2.0, "Ann"), (2.0, 3.0, "Ann"), (3.0, 6.0, "Ann"), (8.0, 14.0, "Ben")]
    assert adopted(edit(*turns).reassign(1, "Ann"), *turns) == expected
    assert adopted(edit(*turns).reassign_span(2.0, 3.0, "Ann", of=["Ben"]), *turns) == expected
    moved_on = edit(*turns).reassign(1, "Ann").rename({"Ben": "Bob", "Ann": "Zoe"})
    assert len(adopted(moved_on, *turns)) == 4


def test_a_span_that_was_reassigned_leaves_what_is_beside_it():
    turns = [(0.0, 6.0, "Ann"), (8.0, 14.0, "Ben")]
    edited = edit(*turns).reassign_span(2.0, 3.0, "Zoe").reassign_span(8.0, 9.0, "Ben")
    assert adopted(edited, *turns, (1.0, 1.5, "Ben")) == [
        (0.0, 2.0, "Ann"),
        (1.0, 1.5, "Ben"),
        (2.0, 3.0, "Zoe"),
        (3.0, 6.0, "Ann"),
        (8.0, 9.0, "Ben"),
        (9.0, 14.0, "Ben"),
    ]


def test_what_a_reviewed_speaker_does_not_say_goes():
    """The fresh diarization has given two thirds of Ann's turn to Ben, who says its end only."""
    edited = edit((0.0, 6.0, "Ann"), (5.0, 6.0, "Ben"), (8.0, 14.0, "Ben")).mark_reviewed([0, 1])
    assert adopted(edited, (0.0, 2.0, "X"), (2.0, 6.0, "Y"), (8.0, 14.0, "Y")) == [
        (0.0, 6.0, "Ann"),
        (5.0, 6.0, "Ben"),
        (8.0, 14.0, "Ben"),
    ]


def test_of_choices_that_are_as_good_labels_that_stay_are_taken():
    edited = edit((0.0, 4.0, "A"), (0.0, 4.0, "B"))
    fresh = EditedDiarization.of(annotate((0.0, 4.0, "B"), (0.0, 4.0, "C")))
    assert match_names(edited.turns, fresh.turns) == {"B": "B", "C": "A"}


def test_what_was_deleted_or_trimmed_does_not_come_back():
    edited = edit(*FIRST).delete(2).move_boundary(1, end=8.0)
    assert adopted(edited, *FIRST) == [(0.0, 4.0, "SPEAKER_00"), (4.0, 8.0, "SPEAKER_01")]
    assert adopted(edited.adopt(annotate(*FIRST)), *FIRST) == adopted(edited, *FIRST)
    restored = edited.add_turn(9.0, 12.0, "SPEAKER_00")
    assert adopted(restored, *FIRST)[-1] == (9.0, 12.0, "SPEAKER_00")


def test_slivers_beside_reviewed_turns_are_dropped():
    edited = edit(*FIRST).mark_reviewed(0)
    fresh = [(0.0, 4.15, "SPEAKER_00"), (4.15, 9.0, "SPEAKER_01")]
    assert adopted(edited, *fresh) == [(0.0, 4.0, "SPEAKER_00"), (4.15, 9.0, "SPEAKER_01")]


def test_adoption_is_undone_as_any_operation():
    edited = edit(*FIRST).mark_reviewed(0)
    again = edited.adopt(annotate((0.0, 12.0, "X")))
    assert again.undo().turns == edited.turns
    assert again.undo().redo().turns == again.turns
    assert again.undo().undo().turns == edit(*FIRST).turns


def test_turns_that_are_still_there_keep_their_numbers():
    edited = edit(*FIRST).adopt(annotate((4.0, 8.5, "Y"), (0.0, 3.5, "X"), (20.0, 21.0, "X")))
    assert [turn.number for turn in edited.turns] == [0, 1, 3]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(current=annotations(), fresh=annotations(), marks=st.sets(st.integers(0, 7)))
def test_laws(current, fresh, marks):
    edited = EditedDiarization.of(current, duration=DURATION_S)
    marks = [turn.number for turn in edited.turns if turn.number in marks]
    if marks:
        edited = edited.mark_reviewed(marks)
    again = edited.adopt(fresh)
    reviewed = [turn for turn in edited.turns if turn.reviewed]
    assert [turn for turn in again.turns if turn.reviewed] == reviewed
    found = {(segment.start, segment.end) for segment in fresh.itersegments()}
    for turn in again.turns:  # the rest is of the fresh diarization, whole or in pieces
        if not turn.reviewed:
            assert any(start <= turn.start and turn.end <= end for start, end in found)
    if not marks:
        assert sorted(turn[:2] for turn in as_tuples(again.turns)) == sorted(
            (turn.start, turn.end) for turn in EditedDiarization.of(fresh).turns
        )
        assert len(again.speakers) == len(fresh.labels())
        assert as_tuples(edited.adopt(current).turns) == as_tuples(edited.turns)
