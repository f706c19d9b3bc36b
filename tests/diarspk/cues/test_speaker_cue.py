from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from diarspk.cues import speaker_cue as cues
from diarspk.cues.speaker_cue import SpeakerCue, extract_cue, read_cue, write_cue
from diarspk.embeddings.space import Space
from diarspk.encoders.base import FrameEmbeddings
from diarspk.errors import FormatError
from diarspk.features.prosody import ProsodyStatistics

PROSODY = ProsodyStatistics(120.0, 90.0, 200.0, 2.5, 0.6, -20.0, 5.0, 4.0, 0.9)


class ToyEncoder:
    fingerprint, dimension, space = "toy", 3, Space("toy", 3)

    def embed(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        return np.array([1, 0, 0], np.float32)

    def embed_frames(self, audio: np.ndarray, sample_rate: int) -> FrameEmbeddings:
        return FrameEmbeddings(np.ones((len(audio) // 640, 3), np.float32), 0.04, 0.0125)


@pytest.fixture
def cue(monkeypatch: pytest.MonkeyPatch) -> SpeakerCue:
    monkeypatch.setattr(cues, "measure_prosody", lambda audio, sample_rate: PROSODY)
    return extract_cue(np.zeros(16000, np.float32), ToyEncoder(), 16000, name="toy one")  # type: ignore[arg-type]


def test_all_parts_are_there_in_one_space(cue: SpeakerCue) -> None:
    assert cue.space == Space("toy", 3, "toy one")
    assert cue.frames.data.shape == (25, 3)
    assert (cue.prosody, cue.duration) == (PROSODY, 1.0)
    with pytest.raises(FrozenInstanceError):
        cue.duration = 2.0  # type: ignore[misc]


def test_written_and_read_again(cue: SpeakerCue, tmp_path: Path) -> None:
    write_cue(cue, tmp_path / "cue.npz")
    again = read_cue(tmp_path / "cue.npz")
    np.testing.assert_array_equal(again.timbre, cue.timbre)
    np.testing.assert_array_equal(again.frames.data, cue.frames.data)
    assert (again.frames.hop, again.frames.start) == (0.04, 0.0125)
    assert (again.prosody, again.space, again.duration) == (PROSODY, cue.space, 1.0)
    assert [path.name for path in tmp_path.iterdir()] == ["cue.npz"]


def test_another_file_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    for name in ("other.npz", "missing.npz"):
        with pytest.raises(FormatError, match="not a cue"):
            read_cue(tmp_path / name)
