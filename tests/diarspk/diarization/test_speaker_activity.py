"""Probabilities of speakers, from which turns were made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import diarspk
from diarspk.diarization.speaker_activity import SpeakerActivity
from diarspk.errors import ArgumentError
from tests.tiny_model import tone, write_tiny_model

RATE = 16000
FRAMES = np.array([[0.9, 0.2], [0.5, 0.5], [0.0, 1.0]], np.float32)


def test_who_talks_alone_talks_and_the_others_do_not() -> None:
    activity = SpeakerActivity(("ann", "eve"), FRAMES, 0.04)
    assert repr(activity) == "SpeakerActivity(0.1 s, 2 speakers)"
    np.testing.assert_array_equal(activity.of("eve"), FRAMES[:, 1])
    np.testing.assert_allclose(activity.alone("ann"), [0.72, 0.25, 0.0], atol=1e-6)
    with pytest.raises(ArgumentError, match="one of ann, eve, got bob"):
        activity.of("bob")


@given(st.floats(0, 3), st.floats(0, 3))
def test_a_part_has_a_frame_at_least(start: float, length: float) -> None:
    activity = SpeakerActivity(("ann",), np.zeros((50, 1), np.float32), 0.04)
    part = activity.crop(start, start + length)
    assert 1 <= len(part.of("ann")) <= max(round(length / 0.04) + 1, 1)


def test_a_result_gives_the_probabilities_of_its_turns(tmp_path: Path) -> None:
    diarizer = diarspk.Diarizer.load(write_tiny_model(tmp_path))
    result = diarizer(tone("ann", 12.0), RATE).rename({"SPEAKER_00": "ann"})
    activity = result.speaker_activity()
    assert activity.speakers == ("ann",)
    (turn,) = result.annotation.itersegments()
    assert activity.crop(turn.start, turn.end).of("ann").min() > 0.5
    assert len(activity.probabilities) * activity.hop == pytest.approx(12.0, abs=0.1)
    bare = diarspk.Diarization(result.annotation, result.exclusive, result.speakers, "", {}, 12.0)
    with pytest.raises(ArgumentError, match="first pass"):
        bare.speaker_activity()
