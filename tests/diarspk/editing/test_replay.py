"""Operations on a fresh diarization of the recording: what is found again, and what is not."""

import pytest

from diarspk.editing import EditedDiarization
from diarspk.errors import ArgumentError
from tests.diarspk.editing.meetings import annotate, as_tuples, edit

FIRST = [(0.0, 4.0, "SPEAKER_00"), (4.0, 9.0, "SPEAKER_01"), (8.0, 12.0, "SPEAKER_02")]
FRESH = [(0.1, 4.1, "SPEAKER_01"), (4.1, 8.8, "SPEAKER_00"), (8.0, 12.0, "SPEAKER_02"),
         (13.0, 14.0, "SPEAKER_00")]  # fmt: skip


def replayed(edited, *turns):
    return edited.replay(annotate(*turns))


def test_turns_and_names_are_found_again_by_time():
    edited = edit(*FIRST).rename({"SPEAKER_00": "Alice"}).reassign(1, "Bob").split_turn(2, 10.0)
    again, conflicts = replayed(edited, *FRESH)
    assert conflicts == ()
    assert as_tuples(again.turns) == [
        (0.1, 4.1, "Alice"),
        (4.1, 8.8, "Bob"),
        (8.0, 10.0, "SPEAKER_02"),
        (10.0, 12.0, "SPEAKER_02"),
        (13.0, 14.0, "SPEAKER_01"),  # who it was in the first diarization
    ]
    assert again.log.done == edited.log.done
    undone = again.undo().undo().undo()
    assert [turn.speaker for turn in undone.turns] == [
        "SPEAKER_00",
        "SPEAKER_01",
        "SPEAKER_02",
        "SPEAKER_01",
    ]


def test_what_is_not_there_any_more_is_reported():
    edited = edit(*FIRST).reassign(1, "Bob").split_turn(2, 11.95).delete(0)
    again, conflicts = replayed(edited, (0.0, 4.0, "A"), (6.9, 9.5, "B"), (8.0, 11.9, "C"))
    assert as_tuples(again.turns) == [
        (6.9, 9.5, "SPEAKER_01"),
        (8.0, 11.9, "SPEAKER_02"),
    ]
    assert [conflict.operation for conflict in conflicts] == list(edited.log.done[:2])
    assert "`turn` must be one of this recording" in conflicts[0].reason
    assert "`at` must be inside of turn 2, 8.0 to 11.9" in conflicts[1].reason


def test_a_turn_that_was_made_by_hand_is_found_by_later_operations():
    edited = edit(*FIRST).add_turn(20.0, 22.0, "Zoe").split_turn(3, 21.0).reassign(4, "Yan")
    again, conflicts = replayed(edited, *FRESH)
    assert conflicts == ()
    assert as_tuples(again.turns)[-2:] == [(20.0, 21.0, "Zoe"), (21.0, 22.0, "Yan")]


def test_spans_are_reassigned_by_time_whatever_turns_there_are():
    edited = edit(*FIRST).reassign_span(2.0, 6.0, "Zoe").delete(0)
    again, conflicts = replayed(edited, (0.0, 3.0, "A"), (3.5, 12.0, "B"), (5.0, 7.0, "C"))
    assert [str(conflict.operation.name) for conflict in conflicts] == []
    assert (3.5, 6.0, "Zoe") in as_tuples(again.turns)
    assert (5.0, 6.0, "Zoe") in as_tuples(again.turns)


def test_after_an_adoption_the_fresh_diarization_is_adopted():
    edited = edit(*FIRST).reassign(0, "Alice").adopt(annotate(*FRESH)).rename({"Alice": "Ann"})
    again, conflicts = replayed(edited, *FRESH[:3])
    assert conflicts == ()
    assert as_tuples(again.turns)[0] == (0.1, 4.1, "Ann")
    assert len(again.log.done) == 3
    assert [turn.reviewed for turn in again.turns] == [True, False, False]


def test_turns_of_an_adopted_diarization_are_found_again():
    adopted = edit(*FIRST).adopt(annotate(*FRESH))
    edited = adopted.reassign(adopted.turns[-1].number, "Zoe")
    again, conflicts = replayed(edited, *FIRST, (12.9, 14.0, "SPEAKER_02"))
    assert conflicts == ()
    assert as_tuples(again.turns)[-1] == (12.9, 14.0, "Zoe")


def test_the_recording_must_be_the_same():
    fresh = EditedDiarization.of(annotate(*FIRST), duration=31.0)
    with pytest.raises(ArgumentError, match=r"same recording, which is 30.0 s .* of 31"):
        edit(*FIRST).replay(fresh)
    with pytest.raises(ArgumentError, match="must be of the same recording"):
        edit(*FIRST).adopt(fresh)


def test_replay_reads_files(tmp_path):
    edited = edit(*FIRST).rename({"SPEAKER_00": "Alice"})
    EditedDiarization.of(annotate(*FRESH)).write(tmp_path / "fresh.rttm")
    again, conflicts = edited.replay(tmp_path / "fresh.rttm")
    assert conflicts == ()
    assert again.speakers == ("Alice", "SPEAKER_01", "SPEAKER_02")
