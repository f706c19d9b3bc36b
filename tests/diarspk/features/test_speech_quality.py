import numpy as np
import pytest

from diarspk.features.speech_quality import check_speech, measure_speech


def bursts(seconds: float, background: float) -> np.ndarray:
    """Noise bursts of half a second with pauses of a quarter, over a background, ``(time,)``."""
    generator = np.random.default_rng(0)
    time = np.arange(round(seconds * 16000)) / 16000
    speech = generator.standard_normal(len(time)) * (time % 0.75 < 0.5) * 0.1
    return (speech + generator.standard_normal(len(time)) * background).astype(np.float32)


def test_enough_clean_speech_raises_no_doubt():
    assert check_speech(bursts(6.0, background=0.001)) == []
    assert measure_speech(bursts(6.0, background=0.001)).speech_s == pytest.approx(4.0, abs=0.3)


def test_little_speech_is_reported():
    (message,) = check_speech(bursts(1.5, background=0.001))
    assert "1.0 s of speech" in message


def test_noise_is_reported():
    (message,) = check_speech(bursts(6.0, background=0.08))
    assert "above the background" in message


@pytest.mark.parametrize("samples", [100, 1600, 48000])
def test_silence_is_no_speech(samples):
    (message,) = check_speech(np.zeros(samples, np.float32))
    assert message.startswith("has 0.0 s of speech")
