"""Any sequence of operations can be undone, done again, saved, loaded and replayed."""

import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from diarspk.editing import EditedDiarization, operation_from_json
from diarspk.errors import ArgumentError
from diarspk.formats import read_rttm
from tests.diarspk.editing.meetings import DURATION_S, annotations, as_tuples

PLACE = st.integers(0, 20)
SHARE = st.floats(0.0, 1.0, allow_nan=False)
TIME = st.floats(0.0, DURATION_S, allow_nan=False)
NAME = st.sampled_from(["A", "B", "Zoe", "New York", "Ren\u00e9"])


class Edits(RuleBasedStateMachine):
    """Operations on a small meeting; `history` has what stood before each, `future` is for redo."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.history = []
        self.future = []

    def teardown(self):
        self.folder.cleanup()
        while self.history:
            self.undo()

    @initialize(annotation=annotations(min_turns=1))
    def begin(self, annotation):
        self.original = annotation
        self.edited = EditedDiarization.of(annotation, duration=DURATION_S)

    def attempt(self, operation):
        """Do an operation; one that does not fit is refused and changes nothing."""
        before = self.edited
        try:
            after = operation(before)
        except ArgumentError as error:
            assert "\n" not in str(error)
            return False
        self.history.append(before.turns)
        self.future = []
        self.edited = after
        return True

    def turn(self, place):
        return self.edited.turns[place % len(self.edited.turns)]

    def speaker(self, place):
        return self.edited.speakers[place % len(self.edited.speakers)]

    @precondition(lambda self: self.edited.turns)
    @rule(place=PLACE, name=NAME)
    def reassign(self, place, name):
        turn, before = self.turn(place), self.edited.turns
        assert self.attempt(lambda edited: edited.reassign(turn.number, name))
        others = [other for other in self.edited.turns if other.number != turn.number]
        assert others == [other for other in before if other.number != turn.number]

    @precondition(lambda self: self.edited.turns)
    @rule(start=TIME, end=TIME, name=NAME, place=PLACE, everyone=st.booleans())
    def reassign_span(self, start, end, name, place, everyone):
        of = None if everyone else [self.speaker(place)]
        before = sum(turn.duration for turn in self.edited.turns)
        self.attempt(lambda edited: edited.reassign_span(start, end, name, of=of))
        assert sum(turn.duration for turn in self.edited.turns) == pytest.approx(before)

    @precondition(lambda self: self.edited.turns)
    @rule(place=PLACE, share=SHARE)
    def split_turn(self, place, share):
        turn = self.turn(place)
        at = turn.start + share * turn.duration
        if self.attempt(lambda edited: edited.split_turn(turn.number, at)):
            assert len(self.edited.turns) == len(self.history[-1]) + 1

    @precondition(lambda self: self.edited.turns)
    @rule(place=PLACE, start=st.none() | TIME, end=st.none() | TIME)
    def move_boundary(self, place, start, end):
        number = self.turn(place).number
        self.attempt(lambda edited: edited.move_boundary(number, start=start, end=end))

    @rule(start=TIME, end=TIME, name=NAME)
    def add_turn(self, start, end, name):
        if self.attempt(lambda edited: edited.add_turn(start, end, name)):
            assert len(self.edited.turns) == len(self.history[-1]) + 1

    @precondition(lambda self: self.edited.turns)
    @rule(place=PLACE)
    def delete(self, place):
        number = self.turn(place).number
        assert self.attempt(lambda edited: edited.delete(number))
        assert number not in self.edited.log.turns.by_number

    @precondition(lambda self: self.edited.turns)
    @rule(place=PLACE, reviewed=st.booleans())
    def mark_reviewed(self, place, reviewed):
        number = self.turn(place).number
        assert self.attempt(lambda edited: edited.mark_reviewed(number, reviewed))

    @precondition(lambda self: self.edited.turns)
    @rule(one=PLACE, other=PLACE, name=st.none() | NAME)
    def merge(self, one, other, name):
        speakers = [self.speaker(one), self.speaker(other)]
        self.attempt(lambda edited: edited.merge(speakers, name))

    @precondition(lambda self: self.edited.turns)
    @rule(place=PLACE, turn=PLACE, name=NAME)
    def split(self, place, turn, name):
        speaker, number = self.speaker(place), self.turn(turn).number
        self.attempt(lambda edited: edited.split(speaker, number, name))

    @precondition(lambda self: self.edited.turns)
    @rule(place=PLACE, name=NAME)
    def rename(self, place, name):
        speaker = self.speaker(place)
        self.attempt(lambda edited: edited.rename({speaker: name}))

    @rule(annotation=annotations())
    def adopt(self, annotation):
        reviewed = [turn for turn in self.edited.turns if turn.reviewed]
        assert self.attempt(lambda edited: edited.adopt(annotation))
        assert [turn for turn in self.edited.turns if turn.reviewed] == reviewed

    @rule(number=st.integers(100_000, 200_000))
    def what_is_not_there_is_refused(self, number):
        before = self.edited
        for operation in (
            lambda edited: edited.reassign(number, "A"),
            lambda edited: edited.split_turn(number, 1.0),
            lambda edited: edited.move_boundary(number, end=math.nan),
            lambda edited: edited.rename({"nobody": "A"}),
            lambda edited: edited.add_turn(1.0, DURATION_S + 1.0, "A"),
        ):
            assert not self.attempt(operation)
        assert self.edited is before

    @precondition(lambda self: self.history)
    @rule()
    def undo(self):
        self.future.append(self.edited.turns)
        self.edited = self.edited.undo()
        assert self.edited.turns == self.history.pop()

    @precondition(lambda self: self.future)
    @rule()
    def redo(self):
        self.history.append(self.edited.turns)
        self.edited = self.edited.redo()
        assert self.edited.turns == self.future.pop()

    @rule()
    def save_and_load(self):
        file = Path(self.folder.name) / "meeting.edits.jsonl"
        self.edited.save(file)
        saved = file.read_bytes()
        loaded = EditedDiarization.load(file)
        assert loaded.turns == self.edited.turns
        assert loaded.uri == self.edited.uri
        assert loaded.log.undone == self.edited.log.undone
        loaded.save(file)
        assert file.read_bytes() == saved
        self.edited = loaded  # from here on, undo and redo are those of the file

    @precondition(lambda self: self.edited.turns)
    @rule()
    def written_turns_are_those_that_are_shown(self):
        file = Path(self.folder.name) / "meeting.rttm"
        self.edited.write(file)
        read = read_rttm(file)["meeting"]
        found = [(s.start, round(s.end, 3), who) for s, _, who in read.itertracks(True)]
        shown = [(s, e, who.replace(" ", "_")) for s, e, who in as_tuples(self.edited.turns)]
        assert sorted(found) == sorted(shown)

    @precondition(lambda self: not any(op.name == "adopt" for op in self.edited.log.done))
    @rule()
    def replay_on_the_same_diarization_gives_the_same_turns(self):
        again, conflicts = self.edited.replay(
            EditedDiarization.of(self.original, duration=DURATION_S)
        )
        assert conflicts == ()
        assert again.turns == self.edited.turns

    @rule(fresh=annotations())
    def replay_on_another_diarization_leaves_out_what_does_not_fit(self, fresh):
        again, conflicts = self.edited.replay(fresh)
        assert len(again.log.done) + len(conflicts) == len(self.edited.log.done)
        assert all(conflict.reason for conflict in conflicts)
        check(again)

    @invariant()
    def turns_are_valid(self):
        check(self.edited)

    @invariant()
    def operations_come_back_from_their_json(self):
        for operation in self.edited.log.done:
            assert operation_from_json(operation.to_json()) == operation


def check(edited):
    """Every turn has a length, lies in the recording, and has a number of its own."""
    numbers = [turn.number for turn in edited.turns]
    assert len(set(numbers)) == len(numbers)
    for turn in edited.turns:
        assert 0.0 <= turn.start < turn.end <= DURATION_S
        assert turn.start == round(turn.start, 3)
        assert turn.end == round(turn.end, 3)
    tracks = [(s.start, s.end, t, who) for s, t, who in edited.annotation.itertracks(True)]
    shown = [(turn.start, turn.end, turn.number, turn.speaker) for turn in edited.turns]
    assert sorted(tracks) == sorted(shown)


TestEdits = Edits.TestCase
TestEdits.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, derandomize=True
)
