"""What every operation does, by hand, and what it refuses."""

import json
import math

import pytest

from diarspk.editing import (
    OPERATIONS,
    AddTurn,
    AdoptTurns,
    ChangeTurns,
    DeleteTurns,
    EditableTurn,
    MarkReviewed,
    MergeSpeakers,
    MoveBoundary,
    ReassignSpan,
    ReassignTurns,
    RenameSpeakers,
    SplitSpeaker,
    SplitTurn,
    operation_from_json,
)
from diarspk.errors import ArgumentError
from tests.diarspk.editing.meetings import as_tuples, edit

MEETING = [(0.0, 4.0, "A"), (4.0, 9.0, "B"), (8.0, 12.0, "C"), (12.0, 20.0, "A")]


@pytest.fixture
def meeting():
    return edit(*MEETING)


def test_one_turn_is_reassigned_and_no_other_moves(meeting):
    edited = meeting.reassign(0, "C")
    assert as_tuples(edited.turns) == [(0.0, 4.0, "C"), *MEETING[1:]]
    assert [turn.reviewed for turn in edited.turns] == [True, False, False, False]
    assert edited.turns[1:] == meeting.turns[1:]
    assert as_tuples(meeting.turns) == MEETING


def test_turns_are_reassigned_together_to_a_new_speaker(meeting):
    edited = meeting.reassign([0, 3], "Zoe")
    assert edited.speakers == ("Zoe", "B", "C")
    assert len(edited.log.done) == 1


def test_a_span_is_reassigned_and_turns_are_cut_at_its_edges(meeting):
    edited = meeting.reassign_span(3.0, 8.5, "D")
    assert as_tuples(edited.turns) == [
        (0.0, 3.0, "A"),
        (3.0, 4.0, "D"),
        (4.0, 8.5, "D"),
        (8.0, 8.5, "D"),
        (8.5, 9.0, "B"),
        (8.5, 12.0, "C"),
        (12.0, 20.0, "A"),
    ]
    reviewed = [turn.speaker == "D" for turn in edited.turns]
    assert [turn.reviewed for turn in edited.turns] == reviewed


def test_a_span_of_one_speaker_leaves_those_who_talk_meanwhile(meeting):
    edited = meeting.reassign_span(8.0, 9.0, "D", of=["C"])
    assert as_tuples(edited.turns) == [
        (0.0, 4.0, "A"),
        (4.0, 9.0, "B"),
        (8.0, 9.0, "D"),
        (9.0, 12.0, "C"),
        (12.0, 20.0, "A"),
    ]


def test_a_split_turn_keeps_its_number_in_the_first_part(meeting):
    edited = meeting.split_turn(1, 5.2504)
    assert as_tuples(edited.turns)[1:3] == [(4.0, 5.25, "B"), (5.25, 9.0, "B")]
    assert [turn.number for turn in edited.turns] == [0, 1, 4, 2, 3]


def test_boundaries_move_and_neighbours_stay(meeting):
    edited = meeting.move_boundary(1, start=3.5).move_boundary(3, start=13.0, end=30.0)
    assert as_tuples(edited.turns) == [
        (0.0, 4.0, "A"),
        (3.5, 9.0, "B"),
        (8.0, 12.0, "C"),
        (13.0, 30.0, "A"),
    ]


def test_turns_are_added_and_deleted(meeting):
    edited = meeting.add_turn(1.0, 2.0, "Zoe").delete([1, 2])
    assert as_tuples(edited.turns) == [(0.0, 4.0, "A"), (1.0, 2.0, "Zoe"), (12.0, 20.0, "A")]
    assert [turn.number for turn in edited.turns] == [0, 4, 3]
    assert edited.add_turn(2.0, 3.0, "A").turns[2].number == 5


def test_merged_speakers_can_be_told_apart_again(meeting):
    merged = meeting.merge(["B", "C"], "Both")
    assert merged.speakers == ("A", "Both")
    assert len(merged.turns) == 4
    assert merged.undo().turns == meeting.turns
    parted = merged.split("Both", [2], "C").rename({"Both": "B"})
    assert parted.turns == meeting.turns
    assert meeting.merge(["C", "B"]).speakers == ("A", "C")


def test_two_speakers_swap_names(meeting):
    edited = meeting.rename({"A": "B", "B": "A"})
    assert [turn.speaker for turn in edited.turns] == ["B", "A", "C", "B"]


def test_marks_of_review_are_set_and_taken_off(meeting):
    edited = meeting.mark_reviewed([0, 2])
    assert [turn.reviewed for turn in edited.turns] == [True, False, True, False]
    assert edited.mark_reviewed([0, 2], False).turns == meeting.turns


def test_what_a_person_has_set_has_no_confidence_of_the_machine(meeting):
    sure = EditableTurn(9, 20.0, 21.0, "A", confidence=0.91234)
    edited = meeting.do(ChangeTurns(put=(sure,)))
    assert edited.turns[-1].confidence == 0.912
    assert edited.split_turn(9, 20.5).turns[-1].confidence == 0.912
    for corrected in (edited.reassign(9, "B"), edited.move_boundary(9, end=22.0)):
        assert corrected.turns[-1].confidence is None
    assert edited.rename({"A": "Ann"}).turns[-1].confidence == 0.912


def test_names_have_one_form(meeting):
    edited = meeting.reassign(0, " New\n York ").reassign(1, "Rene\u0301")
    assert [turn.speaker for turn in edited.turns][:2] == ["New York", "Ren\u00e9"]


REFUSED = [
    (lambda m: m.reassign(17, "A"), r"`turn` must be one of .* \(from 0 to 3\), got 17"),
    (lambda m: m.reassign([], "A"), "`turns` must be one turn or more, got none"),
    (lambda m: m.reassign(True, "A"), "`turns` must be a whole number from 0 .*, got True"),
    (lambda m: m.reassign("0", "A"), "`turns` must be a whole number from 0 .*, got '0'"),
    (lambda m: m.reassign(0, " "), "`speaker` must be the name of a speaker"),
    (lambda m: m.reassign(0, None), "`speaker` must be the name of a speaker"),
    (lambda m: m.reassign_span(5.0, 4.0, "A"), "`end` must be after `start`"),
    (lambda m: m.reassign_span(25.0, 26.0, "A"), "in which nobody talks"),
    (lambda m: m.reassign_span(0.0, 5.0, "A", of=["Z"]), "must be among A, B, C, got 'Z'"),
    (lambda m: m.reassign_span(0.0, 5.0, "A", of="B"), "`of` must be a list of names"),
    (lambda m: m.split_turn(0, 4.0), "`at` must be inside of turn 0, 0.0 to 4.0, got 4.0"),
    (lambda m: m.split_turn(0, 3.9999), "`at` must be inside of turn 0"),
    (lambda m: m.split_turn(0, math.nan), "`at` must be a finite number .*, got nan"),
    (lambda m: m.split_turn(0, -1.0), "`at` must be a finite number"),
    (lambda m: m.split_turn(0, 10**400), "`at` must be a finite number"),
    (lambda m: m.move_boundary(0), "`start` or `end` must be given"),
    (lambda m: m.move_boundary(1, start=9.0), "`start` and `end` must not meet or cross: turn 1"),
    (lambda m: m.move_boundary(1, end=math.inf), "`end` must be a finite number"),
    (lambda m: m.move_boundary(1, end="7"), "`end` must be a finite number"),
    (lambda m: m.move_boundary(3, end=30.001), "`end` must be at most 30.000, the end of the rec"),
    (lambda m: m.add_turn(29.0, 31.0, "A"), "`end` must be at most 30.000"),
    (lambda m: m.add_turn(1.0, 1.0004, "A"), "`end` must be after `start` by a millisecond"),
    (lambda m: m.add_turn(math.nan, 1.0, "A"), "`start` must be a finite number"),
    (lambda m: m.do(AddTurn(1.0, 2.0, "A", new=3)), "`new` must be a number that no other"),
    (lambda m: m.delete([0, 4]), "`turn` must be one of this recording"),
    (lambda m: m.merge(["A"]), r"`speakers` must be two or more, got \['A'\]"),
    (lambda m: m.merge("AB"), "`speakers` must be a list of names"),
    (lambda m: m.merge(["A", "Z"]), "`speaker` must be among A, B, C, got 'Z'"),
    (lambda m: m.merge(["A", "B"], "C"), "`into` must not be the name of another speaker"),
    (lambda m: m.split("A", [0, 3], "D"), "`turns` must leave a turn to 'A'"),
    (lambda m: m.split("A", [1], "D"), r"`turns` must be turns of 'A', got \[1\]"),
    (lambda m: m.split("A", [0], "B"), "`into` must be a name that nobody has"),
    (lambda m: m.split("Z", [0], "B"), "`speaker` must be among"),
    (lambda m: m.rename({}), "`names` must be new names by old ones"),
    (lambda m: m.rename([("A", "B")]), "`names` must be new names by old ones"),
    (lambda m: m.rename({"A": "B"}), "must not give two speakers one name, got 'B' twice; merge"),
    (lambda m: m.rename({"Z": "Y"}), "`speaker` must be among A, B, C, got 'Z'"),
    (lambda m: m.mark_reviewed(0, "yes"), "`reviewed` must be true or false"),
    (lambda m: m.undo(), "`undo` must have an operation to take back"),
    (lambda m: m.redo(), "`redo` must have an operation that was undone"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "text"), REFUSED)
def test_what_does_not_fit_is_refused_in_one_line(meeting, operation, text):
    with pytest.raises(ArgumentError, match=text) as caught:
        operation(meeting)
    assert "\n" not in str(caught.value)
    assert as_tuples(meeting.turns) == MEETING


def test_where_nobody_talks_nothing_can_be_edited_but_turns_added():
    silence = edit()
    with pytest.raises(ArgumentError, match=r"one of this recording \(none\), got 0"):
        silence.delete(0)
    with pytest.raises(ArgumentError, match="must be none, as nobody speaks"):
        silence.rename({"A": "B"})
    assert as_tuples(silence.add_turn(0.0, 30.0, "A").turns) == [(0.0, 30.0, "A")]


EVERY = [
    ReassignTurns((0, 3), "Zoe"),
    ReassignSpan(3.0, 8.5, "D", ("A", "B"), (7, 8)),
    SplitTurn(1, 5.25, 9),
    MoveBoundary(1, None, 8.75),
    AddTurn(1.0, 2.0, "Zo\u00eb", 12),
    DeleteTurns((0, 2)),
    MarkReviewed((1,), False),
    MergeSpeakers(("A", "C"), "Both"),
    SplitSpeaker("A", (3,), "D"),
    RenameSpeakers({"A": "B", "B": "A"}),
    AdoptTurns((EditableTurn(4, 1.0, 2.0, "A", 0.5, True),)),
    ChangeTurns((2,), (EditableTurn(0, 1.0, 2.0, "A", 0.5, True),)),
]


@pytest.mark.parametrize("operation", EVERY, ids=lambda operation: operation.name)
def test_every_operation_has_a_json_form_and_an_inverse(meeting, operation):
    text = json.dumps(operation.to_json(), allow_nan=False)
    assert operation_from_json(json.loads(text)) == operation
    turns = meeting.log.turns
    after = operation.apply(turns)
    inverse = operation.inverse(turns)
    assert inverse.apply(after) == turns
    assert inverse.inverse(after).apply(turns) == after
    assert operation_from_json(json.loads(json.dumps(inverse.to_json()))) == inverse


def test_every_operation_was_tried():
    assert {operation.name for operation in EVERY} == set(OPERATIONS)


def test_json_forms_are_stable():
    """Logs of today must be read tomorrow: new versions may add fields, and rename none."""
    assert [operation.to_json() for operation in EVERY] == [
        {"op": "reassign", "turns": [0, 3], "speaker": "Zoe"},
        {"op": "reassign_span", "start": 3.0, "end": 8.5, "speaker": "D", "of": ["A", "B"],
         "new": [7, 8]},
        {"op": "split_turn", "turn": 1, "at": 5.25, "new": 9},
        {"op": "move", "turn": 1, "end": 8.75},
        {"op": "add", "start": 1.0, "end": 2.0, "speaker": "Zo\u00eb", "new": 12},
        {"op": "delete", "turns": [0, 2]},
        {"op": "review", "turns": [1], "reviewed": False},
        {"op": "merge", "speakers": ["A", "C"], "into": "Both"},
        {"op": "split", "speaker": "A", "turns": [3], "into": "D"},
        {"op": "rename", "names": {"A": "B", "B": "A"}},
        {"op": "adopt", "turns": [{"number": 4, "start": 1.0, "end": 2.0, "speaker": "A",
                                   "confidence": 0.5, "reviewed": True}]},
        {"op": "change", "remove": [2], "put": [{"number": 0, "start": 1.0, "end": 2.0,
                                                 "speaker": "A", "confidence": 0.5,
                                                 "reviewed": True}]},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("delete", "must be an object with `op`, got 'delete'"),
        ({"op": "explode"}, "`op` must be among reassign, .*, got 'explode'"),
        ({"op": ["delete"]}, "`op` must be among"),
        ({"op": "delete"}, "`delete` must have the field 'turns'"),
        ({"op": "delete", "turns": [0], "at": 3}, "`delete` must have no field 'at'"),
        ({"op": "split_turn", "turn": 0, "at": None}, "`at` must be a finite number"),
        ({"op": "adopt", "turns": [{"number": 1}]}, "a turn must have 'start'"),
        ({"op": "adopt", "turns": [7]}, "a turn must be an object"),
        ({"op": "adopt", "turns": 7}, "`turns` must be a list of turns"),
    ],
)
def test_json_that_is_no_operation(document, text):
    with pytest.raises(ArgumentError, match=text):
        operation_from_json(document)


@pytest.mark.parametrize("confidence", [1.5, -0.1, math.nan, "0.5", True])
def test_a_confidence_is_from_0_to_1(confidence):
    with pytest.raises(ArgumentError, match="`confidence` must be a finite number from 0 up to 1"):
        EditableTurn(0, 0.0, 1.0, "A", confidence)
