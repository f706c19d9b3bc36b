from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest
from pyannote.core import Segment

from eval.systems.baseline import assign
from eval.systems.resemblyzer import _importable


def test_speakers_change_between_window_centres() -> None:
    speech = [Segment(0.0, 2.4), Segment(5.0, 5.5)]
    windows = [Segment(0.0, 1.6), Segment(0.8, 2.4), Segment(5.0, 5.5)]
    annotation = assign(speech, windows, np.array([0, 1, 0]), "meeting")
    assert annotation.uri == "meeting"
    assert [(turn.start, turn.end, label) for turn, _, label in annotation.itertracks(True)] == [
        (0.0, pytest.approx(1.2), "speaker_0"),
        (pytest.approx(1.2), 2.4, "speaker_1"),
        (5.0, 5.5, "speaker_0"),
    ]


def test_no_speech() -> None:
    assert not assign([], [], np.zeros(0, np.int64), "silence")


def test_stand_in_lives_only_during_the_import() -> None:
    with _importable("absent_package"):
        module = importlib.import_module("absent_package")
        assert module.get_distribution("any").version == ""
    assert "absent_package" not in sys.modules


def test_present_package_is_left_alone() -> None:
    with _importable("numpy"):
        assert sys.modules["numpy"] is np
    assert sys.modules["numpy"] is np
