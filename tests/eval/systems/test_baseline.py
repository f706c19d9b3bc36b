from __future__ import annotations

import pytest
from pyannote.core import Segment

from eval.systems.baseline import assign


def test_speakers_change_between_window_centres() -> None:
    speech = [Segment(0.0, 2.4), Segment(5.0, 5.5)]
    windows = [Segment(0.0, 1.6), Segment(0.8, 2.4), Segment(5.0, 5.5)]
    annotation = assign(speech, windows, [0, 1, 0], "meeting")
    assert annotation.uri == "meeting"
    assert [(turn.start, turn.end, label) for turn, _, label in annotation.itertracks(True)] == [
        (0.0, pytest.approx(1.2), "speaker_0"),
        (pytest.approx(1.2), 2.4, "speaker_1"),
        (5.0, 5.5, "speaker_0"),
    ]


def test_no_speech() -> None:
    assert not assign([], [], [], "silence")
