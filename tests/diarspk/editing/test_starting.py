"""Corrections begin with a result, an annotation or a file."""

import json
from dataclasses import dataclass, field

import pytest
from pyannote.core import Annotation, Segment

from diarspk.editing import EditedDiarization
from diarspk.errors import ArgumentError, FormatError
from tests.diarspk.editing.meetings import annotate, as_tuples, edit

TURNS = [(0.0, 4.0, "A"), (3.5, 9.0, "B"), (9.0, 12.0, "B")]


@dataclass
class Result:
    annotation: Annotation
    duration: float = 12.0
    confidence: dict = field(default_factory=dict)


def test_a_result_gives_duration_and_confidence():
    annotation = annotate(*TURNS)
    sure = {(Segment(0.0, 4.0), 0): 0.98765, (Segment(3.5, 9.0), 1): 0.25}
    edited = EditedDiarization.of(Result(annotation, confidence=sure))
    assert as_tuples(edited.turns) == TURNS
    assert [turn.confidence for turn in edited.turns] == [0.988, 0.25, None]
    assert edited.duration == 12.0
    assert edited.confidence == {(Segment(0.0, 4.0), 0): 0.988, (Segment(3.5, 9.0), 1): 0.25}


def test_turns_are_rounded_to_milliseconds_and_numbered_by_start():
    annotation = Annotation(uri="meeting")
    annotation[Segment(5.00049, 6.0)] = "B"  # the track that pyannote.core gives is one for all
    annotation[Segment(1.0004, 2.0006)] = "A"
    annotation[Segment(7.0, 7.0004)] = "C"
    edited = EditedDiarization.of(annotation)
    assert as_tuples(edited.turns) == [(1.0, 2.001, "A"), (5.0, 6.0, "B")]
    assert [turn.number for turn in edited.turns] == [0, 1]
    assert edited.duration is None
    assert edited.add_turn(1e6, 2e6, "A").turns[-1].end == 2e6


@pytest.mark.parametrize("suffix", ["rttm", "json"])
def test_files_give_turns_names_and_confidence_back(tmp_path, suffix):
    file = tmp_path / f"meeting.{suffix}"
    sure = {(Segment(0.0, 4.0), 0): 0.987, (Segment(9.0, 12.0), 2): 0.25}
    first = EditedDiarization.of(Result(annotate(*TURNS), confidence=sure))
    first.write(file)
    again = EditedDiarization.of(file)
    assert again.turns == first.turns  # also those of one speaker that touch
    assert again.uri == "meeting"


def test_of_several_recordings_one_is_named(tmp_path):
    for uri in ("one", "two"):
        EditedDiarization.of(annotate(*TURNS, uri=uri)).write(tmp_path / f"{uri}.rttm")
    both = tmp_path / "both.rttm"
    both.write_text("".join((tmp_path / f"{uri}.rttm").read_text() for uri in ("one", "two")))
    assert EditedDiarization.of(both, uri="two").uri == "two"
    with pytest.raises(FormatError, match="holds 2 recordings"):
        EditedDiarization.of(both)
    both.write_text("")
    assert EditedDiarization.of(both, uri="two").turns == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is no JSON"),
        ("[1]", "must be an object"),
        ("{}", "has no list `turns`"),
        ('{"turns": [{"start": 1.0}]}', r"turns\[0\] must have start, end and speaker"),
        ('{"turns": [{"start": "x"}]}', r"turns\[0\].start must be a number"),
        ('{"uri": "other", "turns": []}', "holds the recording 'other', not 'meeting'"),
        ('{"uri": 3, "turns": []}', "uri must be a text"),
    ],
)
def test_json_that_is_no_diarization(tmp_path, text, fault):
    file = tmp_path / "meeting.json"
    file.write_text(text)
    with pytest.raises(FormatError, match=fault):
        EditedDiarization.of(file, uri="meeting")


def test_what_is_no_diarization(tmp_path):
    with pytest.raises(ArgumentError, match=r"`diarization` must be a Diarization.*got int"):
        EditedDiarization.of(7)
    with pytest.raises(FormatError, match="no such file"):
        EditedDiarization.of(tmp_path / "absent.json")
    with pytest.raises(ArgumentError, match=r"`end` must be at most 10.000, .* got 12.0"):
        edit(*TURNS, duration=10.0)
    with pytest.raises(ArgumentError, match="`duration` must be a finite number"):
        edit(*TURNS, duration=float("nan"))


def test_odd_confidences_are_none(tmp_path):
    file = tmp_path / "meeting.json"
    turn = {"start": 0.0, "end": 1.0, "speaker": "A", "confidence": 7.0}
    file.write_text(json.dumps({"uri": None, "turns": [turn]}))
    edited = EditedDiarization.of(file)
    assert edited.turns[0].confidence is None
    assert edited.uri is None


def test_its_text_says_what_it_is():
    edited = edit(*TURNS).delete(0).undo()
    assert (
        repr(edited) == "EditedDiarization('meeting', 2 speakers, 3 turns, 0 operations, 1 undone)"
    )
