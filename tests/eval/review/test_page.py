"""The measurement of the page, on a recording of seconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import soundfile
from pyannote.core import Annotation, Segment, Timeline

from eval.diarization.conversation import Conversation
from eval.review.long_recording import LongRecording, join_conversations
from eval.review.page import measure_page, opened_browser
from tests.tiny_model import tone


@pytest.fixture
def recording(tmp_path: Path) -> LongRecording:
    soundfile.write(tmp_path / "call.wav", tone("ann"), 16000)
    reference = Annotation(uri="call")
    reference[Segment(0.5, 1.5)], reference[Segment(1.5, 3.0)] = "Ann", "Ben"
    call = Conversation(tmp_path / "call.wav", reference, Timeline([Segment(0, 3)]))
    return join_conversations([call], 8.0, tmp_path / "long.wav")


def test_conversations_follow_each_other(recording: LongRecording) -> None:
    assert recording.seconds == soundfile.info(recording.audio).duration == 9.0
    starts = [turn.start for turn in recording.edited.turns]
    assert starts == [0.5, 1.5, 3.5, 4.5, 6.5, 7.5]
    assert recording.edited.speakers == ("SPEAKER_00", "SPEAKER_01")
    times = [word.start for word in recording.transcript.words if word.start is not None]
    assert 6.0 < max(times) < 9.0


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on the path")
def test_the_page_is_measured(recording: LongRecording, tmp_path: Path) -> None:
    pytest.importorskip("playwright")
    with opened_browser() as browser:
        figures = measure_page(browser, recording, tmp_path, 0.5)
    assert figures["turns"] == 6
    assert 0 < figures["interactive, s"] < 30
    assert figures["frames a second, 40 s in view"] > 1
    assert figures["heap of the scripts, MB"] > 0.1
