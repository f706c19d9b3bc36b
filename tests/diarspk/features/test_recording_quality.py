"""What makes it doubtful that the speech of a recording is found."""

from __future__ import annotations

import numpy as np
import pytest

from diarspk.audio import open_audio
from diarspk.features.log_mel import LogMel
from diarspk.features.recording import analyse
from diarspk.features.recording_quality import RecordingQuality
from tests.diarspk.features.test_level import syllables


def quality(wave: np.ndarray) -> RecordingQuality:
    found = analyse(open_audio(wave, 16000), LogMel()).quality
    assert found is not None
    return found


def test_a_good_recording_has_no_faults() -> None:
    found = quality(syllables(10.0, 0.05))
    assert found.faults == [] and found.clipped == 0
    assert -36 < found.level_db < -10  # noise has more of its power in high bands than speech
    assert quality(syllables(10.0, 0.05) * 0.1).level_db == pytest.approx(found.level_db - 20)


def test_each_fault_is_told() -> None:
    noise = np.random.default_rng(0).normal(size=160000).astype(np.float32)
    assert [text.split(" (")[0] for text in quality(0.1 * noise).faults] == ["mostly noise"]
    assert "very quiet" in quality(1e-6 * syllables(10.0, 1.0)).faults[0]
    clipped = quality(np.clip(syllables(10.0, 1.0), -1, 1))
    assert "clipped" in clipped.faults[0] and 0.01 < clipped.clipped < 0.5


def test_floats_at_the_scale_of_integers_are_not_clipped() -> None:
    assert quality(syllables(10.0, 3000.0)).faults == []
