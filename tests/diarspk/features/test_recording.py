import numpy as np
import pytest
import torch

from diarspk.audio import AudioStream, open_audio
from diarspk.features import recording as recording_module
from diarspk.features.log_mel import LogMel, gated_level
from diarspk.features.recording import analyse
from tests.diarspk.encoders.local.test_encoder import noise


@pytest.mark.parametrize("block_s", [0.003, 0.11, 1.0, 20.0])
def test_blocks_do_not_show(monkeypatch, block_s):
    monkeypatch.setattr(recording_module, "BLOCK_S", block_s)
    audio, log_mel = noise(3.0), LogMel()
    found = analyse(open_audio(audio, 16000), log_mel)
    whole = log_mel(torch.from_numpy(audio)[None])[0]
    assert len(found.features) == len(whole)
    np.testing.assert_allclose(found.features, whole.numpy(), atol=0.02)
    assert found.level == pytest.approx(gated_level(whole).item(), abs=1e-3)
    assert found.duration == 3.0


def test_a_recording_prints_without_its_features():
    found = analyse(open_audio(noise(1.0), 16000), LogMel())
    assert repr(found) == "Recording('audio', 1.0 s, 98 frames)"


@pytest.mark.parametrize("samples", [1, 399, 400, 561])
def test_very_short_recordings(samples):
    found = analyse(open_audio(np.ones(samples, np.float32) * 0.1, 16000), LogMel())
    assert len(found.features) == max(1, 1 + (samples - 400) // 160)
    assert found.duration == samples / 16000
    assert np.isfinite(found.level)


@pytest.mark.parametrize("promised", [None, 0.0, 1.0, 44.9, 1e12])
def test_a_length_that_is_not_told_truly_changes_nothing(monkeypatch, promised):
    stream = open_audio(noise(45.0), 16000)
    expected = analyse(stream, LogMel())
    monkeypatch.setattr(AudioStream, "duration", promised)
    found = analyse(stream, LogMel())
    np.testing.assert_array_equal(found.features, expected.features)
    assert (found.level, found.duration) == (expected.level, expected.duration)


def test_normalised_frames_are_clipped_to_the_recording():
    found = analyse(open_audio(noise(1.0), 16000), LogMel())
    assert len(found.normalized(-5, 10)) == 10
    assert len(found.normalized(90, 500)) == len(found.features) - 90


def test_progress_is_in_seconds():
    seen: list[float] = []
    analyse(open_audio(noise(45.0), 16000), LogMel(), progress=seen.append)
    assert seen == [20.0, 40.0, 45.0]
