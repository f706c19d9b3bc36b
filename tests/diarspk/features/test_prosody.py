"""Prosody of signals whose pitch, level and rate are known."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from diarspk.errors import AudioError, ModelError
from diarspk.features.prosody import measure_prosody

pytest.importorskip("librosa", reason="prosody needs librosa")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RATE = 16000


def voice(pitch: float, seconds: float = 1.5, level: float = 0.1) -> np.ndarray:
    """A buzz of harmonics."""
    time = np.arange(int(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 12))
    return (level * tone).astype(np.float32)


@pytest.mark.parametrize("pitch", [95.0, 220.0])
def test_pitch_of_a_buzz(pitch: float) -> None:
    found = measure_prosody(voice(pitch), RATE)
    assert found.pitch_hz == pytest.approx(pitch, rel=0.02)
    assert found.pitch_deviation < 0.5
    assert found.voiced_share > 0.9
    assert found.pitch_low_hz <= found.pitch_hz <= found.pitch_high_hz


def test_gain_moves_the_level_and_nothing_else() -> None:
    loud, quiet = (measure_prosody(voice(150.0, level=level), RATE) for level in (0.2, 0.02))
    assert loud.energy_db - quiet.energy_db == pytest.approx(20, abs=0.01)
    assert loud.pitch_hz == pytest.approx(quiet.pitch_hz, rel=0.01)
    assert loud.energy_deviation_db == pytest.approx(quiet.energy_deviation_db, abs=0.01)


def test_rate_counts_bursts_and_pauses_are_no_speech() -> None:
    burst, pause = voice(180.0, 0.15), np.zeros(int(0.1 * RATE), np.float32)
    ten = np.concatenate([np.concatenate([pause, burst])] * 10)
    found = measure_prosody(ten, RATE)
    assert found.rate_hz * found.speech_s == pytest.approx(10, abs=1)
    assert found.speech_s < len(ten) / RATE


def test_noise_has_no_pitch() -> None:
    noise = 0.1 * np.random.default_rng(0).normal(size=RATE).astype(np.float32)
    found = measure_prosody(noise, RATE)
    assert found.voiced_share < 0.3


def test_ill_formed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AudioError, match="silence"):
        measure_prosody(np.zeros(RATE, np.float32), RATE)
    with pytest.raises(AudioError, match=r"0.2 s of audio, got 0.100 s"):
        measure_prosody(np.ones(1600, np.float32), RATE)
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(ModelError, match=r"diarspk\[cues\]"):
        measure_prosody(np.ones(RATE, np.float32), RATE)
