"""Sessions: saved at every step, refused where something is out of date."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from diarspk.editing import EditedDiarization
from diarspk.errors import ArgumentError, FormatError
from diarspk.review import ReviewSession, StaleRevisionError
from diarspk.review.exporting import export, list_formats
from diarspk.transcripts import read_transcript
from tests.diarspk.review.calls import write_call


@pytest.fixture
def session(tmp_path: Path) -> ReviewSession:
    write_call(tmp_path)
    edited = EditedDiarization.of(tmp_path / "call.rttm")
    words = read_transcript(tmp_path / "words.json")
    return ReviewSession(edited, tmp_path / "call.edits.jsonl", transcript=words)


def test_every_operation_is_saved_and_an_opened_log_goes_on(session: ReviewSession) -> None:
    session.operate({"op": "rename", "names": {"Ann": "Anna"}}, 1)
    session.operate({"op": "split_turn", "turn": 1, "at": 2.5}, 2)
    state = session.undo(3)
    assert (state["revision"], state["undo"], state["redo"]) == (4, "rename", "split_turn")
    again = ReviewSession(EditedDiarization.load(session.log), session.log)
    assert again.state()["turns"] == state["turns"]
    assert len(again.redo(1)["turns"]) == 5


def test_a_change_to_what_nobody_has_seen_is_refused(session: ReviewSession) -> None:
    session.operate({"op": "delete", "turns": [0]}, 1)
    with pytest.raises(StaleRevisionError, match="revision 2, not 1"):
        session.operate({"op": "delete", "turns": [1]}, 1)
    assert len(session.edited.turns) == 3


def test_a_log_that_another_program_has_changed_is_shown_and_not_lost(
    session: ReviewSession,
) -> None:
    other = ReviewSession(session.edited, session.log)
    other.operate({"op": "delete", "turns": [0]}, 1)
    with pytest.raises(StaleRevisionError, match=r"has changed call\.edits\.jsonl"):
        session.operate({"op": "delete", "turns": [1]}, 1)
    assert [turn.number for turn in session.edited.turns] == [1, 2, 3]
    assert len(session.operate({"op": "delete", "turns": [1]}, 2)["turns"]) == 2


def test_a_log_that_was_removed_is_saved_again(session: ReviewSession) -> None:
    session.operate({"op": "delete", "turns": [0]}, 1)
    session.log.unlink()
    session.operate({"op": "delete", "turns": [1]}, 2)
    assert len(EditedDiarization.load(session.log).log.done) == 2


def test_what_cannot_be_saved_is_not_done(session: ReviewSession) -> None:
    session.log = session.log.parent / "none" / "call.edits.jsonl"
    with pytest.raises(FormatError, match="cannot be written"):
        session.operate({"op": "delete", "turns": [0]}, 1)
    assert (session.revision, len(session.edited.turns)) == (1, 4)


@pytest.mark.parametrize("document", [None, {"op": "none"}, {"op": "delete", "turns": [99]}])
def test_a_wrong_operation_changes_nothing(session: ReviewSession, document: object) -> None:
    with pytest.raises(ArgumentError):
        session.operate(document, 1)
    assert not os.path.exists(session.log)


def test_words_belong_to_the_turns_that_they_lie_in(session: ReviewSession) -> None:
    assert session.word_turns() == {"revision": 1, "turns": [0, 1, 2, 3]}
    session.operate({"op": "reassign", "turns": [3], "speaker": "Ann"}, 1)
    assert session.word_turns() == {"revision": 2, "turns": [0, 1, 2, 3]}
    session.operate({"op": "delete", "turns": [3]}, 2)
    assert session.word_turns()["turns"] == [0, 1, 2, 2]  # the nearest edge decides


def test_every_format_is_written(session: ReviewSession) -> None:
    session.operate({"op": "rename", "names": {"Ann": "Anna"}}, 1)
    formats = [one for one in list_formats(words=True) if one["what"] != "page"]
    assert len(formats) == 7 + 14
    for one in formats:
        name, text = export(session, one["what"], one["format"])
        assert name.startswith("call.")
        assert "Anna" in text
    assert {one["what"] for one in list_formats(words=False)} == {"turns", "page"}


@pytest.mark.parametrize(("what", "format"), [("turns", "doc"), ("words", "doc"), ("all", "srt")])
def test_another_format_is_refused(session: ReviewSession, what: str, format: str) -> None:
    with pytest.raises(ArgumentError):
        export(session, what, format)
