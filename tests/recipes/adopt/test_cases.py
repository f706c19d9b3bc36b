"""Cases that settings are chosen on: errors are counted as for the DER."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pyannote.core import Annotation, Segment, Timeline

from diarspk.clustering.clusterer import Clustering
from diarspk.clustering.clustering_input import ClusteringInput
from diarspk.diarization.local_speakers import FirstPass, LocalSpeakers
from diarspk.diarization.subsegments import Subsegments
from eval.diarization.conversation import Conversation
from eval.diarization.first_passes import ConversationPass
from recipes.adopt.cases import Case, error_rate, long_cases, short_cases


@dataclass(frozen=True)
class Fixed:
    """Clusterer that says what it is told."""

    labels: tuple[int, ...]

    def cluster(self, inputs: ClusteringInput) -> Clustering:
        return Clustering(np.array(self.labels), {1: 1.0})


def test_speakers_are_matched_with_people_one_to_one():
    inputs = ClusteringInput(np.eye(6))
    case = Case(inputs, np.array([0, 0, 0, 1, 1, -1]))
    assert case.errors(Fixed((1, 1, 1, 0, 0, 0))) == (0, 5)
    assert case.errors(Fixed((0, 0, 0, 0, 0, 1))) == (2, 5)
    assert case.errors(Fixed((0, 0, 2, 1, 1, 1))) == (1, 5)
    other = Case(inputs, np.array([0, 0, 0, 0, 0, 0]))
    assert error_rate([case, other], Fixed((0, 0, 0, 0, 0, 1))) == pytest.approx(3 / 11)


def conversation(seconds: float = 60.0) -> ConversationPass:
    """One person talks, from the middle on a second one, and both in the last ten seconds."""
    reference = Annotation()
    reference[Segment(0.0, seconds / 2)] = "a"
    reference[Segment(seconds / 2, seconds)] = "b"
    reference[Segment(seconds - 10.0, seconds), "again"] = "a"
    centre = np.arange(12, int(seconds / 0.04), 12)
    windows = Subsegments(centre, np.ones((len(centre), 2), np.float32), np.ones(len(centre)))
    local = LocalSpeakers(
        np.zeros((1, 10, 2), np.float32),
        np.array([0]),
        np.zeros((1, 2, 2), np.float32),
        np.zeros((1, 2)),
        int(seconds / 0.04),
        0.04,
        0.0,
        windows,
    )
    whole = Timeline([Segment(0, seconds)])
    return ConversationPass(
        Conversation(Path("a.wav"), reference, whole), FirstPass("a", seconds, "print", local)
    )


def test_people_are_those_who_talk_alone_around_a_subsegment():
    (case,) = long_cases([conversation()], 80)
    times = np.arange(12, 1500, 12) * 0.04
    assert (case.people[times < 29.2] == 0).all() and (case.people[times > 50.8 - 1.5] < 2).all()
    assert (case.people[(times > 30.8) & (times < 49.2)] == 1).all()
    assert (case.people[(times > 29.3) & (times < 30.7)] == -1).all()
    assert (case.people[times > 49.3] == -1).all()


def test_short_cases_are_parts_of_long_conversations():
    parts = list(short_cases([conversation()], 50))
    assert [len(part.people) for part in parts] == [50, 50, 24]
    assert len(list(short_cases([conversation()], 40))) == 3  # the last 4 are too few
    assert not list(long_cases([conversation()], 200))
