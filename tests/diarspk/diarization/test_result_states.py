"""Any sequence of operations on a result leaves a consistent result, and the earlier ones alone."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from diarspk.diarization.identification import name_speakers
from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError
from diarspk.formats import read_rttm
from diarspk.verification.gallery import create_gallery
from tests.diarspk.diarization.test_result import make_first_pass, orthogonal_voices, postprocess

PEOPLE = st.integers(-1, 3)
WINDOWS = st.lists(st.tuples(PEOPLE, PEOPLE).filter(lambda pair: pair[0] != pair[1]), min_size=3,
                   max_size=7)  # fmt: skip
PLACE = st.integers(0, 9)


def snapshot(result):
    """All that must never change of a value that has been handed out."""
    return (
        sorted((s.start, s.end, str(t), w) for s, t, w in result.annotation.itertracks(True)),
        sorted((s.start, s.end, w) for s, _, w in result.exclusive.itertracks(True)),
        {name: vector.tobytes() for name, vector in result.speakers.items()},
        dict(result.confidence),
        dict(result.count_scores),
        result.spurious_speakers,
        result.linking.labels.tobytes(),
        dict(result.linking.names),
    )


class Results(RuleBasedStateMachine):
    """Operations on results from a first pass that is made by hand."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.history = []

    def teardown(self):
        self.folder.cleanup()

    @property
    def result(self):
        return self.history[-1][0]

    def add(self, result):
        self.history.append((result, snapshot(result)))

    def speaker(self, place):
        names = list(self.result.speakers)
        return names[place % len(names)]

    @initialize(names=WINDOWS)
    def diarize(self, names):
        self.add(postprocess(make_first_pass(names)))

    @rule(count=st.integers(1, 5))
    def recluster(self, count):
        self.add(self.result.recluster(max_speakers=count))
        assert len(self.result.speakers) <= count

    @precondition(lambda self: len(self.result.speakers) > 1)
    @rule(one=PLACE, other=PLACE, name=st.sampled_from([None, "both", "ann"]))
    def merge(self, one, other, name):
        speakers = [self.speaker(one), self.speaker(other)]
        if speakers[0] == speakers[1] or (name in self.result.speakers and name not in speakers):
            return
        before = self.result
        self.add(before.merge(speakers, name))
        assert len(self.result.speakers) == len(before.speakers) - 1
        assert (speakers[0] if name is None else name) in self.result.speakers

    @precondition(lambda self: self.result.speakers)
    @rule(place=PLACE)
    def split(self, place):
        speaker, before = self.speaker(place), self.result
        label = next(k for k, name in before.linking.names.items() if name == speaker)
        if (before.linking.labels == label).sum() < 2:
            return
        self.add(before.split(speaker, 2))
        assert speaker in self.result.speakers
        assert len(self.result.speakers) <= len(before.speakers) + 1

    @precondition(lambda self: self.result.speakers)
    @rule(place=PLACE, name=st.sampled_from(["ann", "zoe", "SPEAKER_00"]))
    def rename(self, place, name):
        before, speaker = self.result, self.speaker(place)
        if name in before.speakers and name != speaker:
            with pytest.raises(ArgumentError, match="merge them instead"):
                before.rename({speaker: name})
            return
        self.add(before.rename({speaker: name}))
        assert name in self.result.speakers
        assert len(self.result.speakers) == len(before.speakers)
        assert snapshot(self.result.rename({name: speaker})) == snapshot(before)

    @rule(people=st.dictionaries(st.sampled_from(["ann", "ben", "zoe"]), st.integers(0, 3),
                                 min_size=1))  # fmt: skip
    def name_by_gallery(self, people):
        folder = Path(tempfile.mkdtemp(dir=self.folder.name)) / "people"
        before = self.result
        with create_gallery(folder, Space(before.fingerprint, 16)) as gallery:
            for name, voice in people.items():
                row = orthogonal_voices()[voice].astype(np.float32)
                gallery.enroll(name, row, fingerprint=before.fingerprint)
            self.add(name_speakers(before, gallery, threshold=0.6))
        assert len(self.result.speakers) == len(before.speakers)

    @precondition(lambda self: len(self.history) > 1)
    @rule()
    def undo(self):
        self.history.pop()

    @precondition(lambda self: self.history and self.result.annotation)
    @rule()
    def write(self):
        file = Path(self.folder.name) / "meeting.rttm"
        self.result.write(file)
        read = read_rttm(file)["meeting"]
        ours = [
            (round(s.start, 3), round(s.end, 3), name.replace(" ", "_"))
            for s, _, name in self.result.annotation.itertracks(True)
        ]
        theirs = [
            (round(s.start, 3), round(s.end, 3), name.replace(" ", "_"))
            for s, _, name in read.itertracks(True)
        ]
        assert sorted(theirs) == sorted(ours)

    @invariant()
    def every_part_agrees(self):
        if not self.history:
            return
        result = self.result
        labels = set(result.annotation.labels())
        assert labels == set(result.speakers) == set(result.linking.names.values())
        assert set(result.confidence) == set(result.annotation.itertracks())
        assert all(0.0 <= value <= 1.0 for value in result.confidence.values())
        assert set(result.spurious_speakers) <= labels
        assert set(result.exclusive.labels()) <= labels
        assert not result.exclusive.get_overlap()
        # Short pauses are part of a turn, but of no exclusive turn: it lies within.
        support = result.annotation.get_timeline().support()
        for segment in result.exclusive.itersegments():
            assert any(segment in part for part in support)
        for segment in result.annotation.itersegments():
            assert 0.0 <= segment.start < segment.end <= result.duration + 1e-6
        if labels:
            assert abs(sum(result.count_scores.values()) - 1.0) < 1e-6

    @invariant()
    def earlier_results_have_not_changed(self):
        for result, before in self.history:
            assert snapshot(result) == before


TestResults = Results.TestCase
TestResults.settings = settings(
    max_examples=15, stateful_step_count=10, deadline=None, derandomize=True
)
