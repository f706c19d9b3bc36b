"""The embedded model on sounds that are no conversation: nothing is invented, nothing fails."""

from __future__ import annotations

import numpy as np
import pytest

import diarspk
from diarspk.errors import SpeechWarning
from diarspk.streaming import StreamingDiarizer

RATE = 16000


@pytest.fixture(scope="module")
def diarizer():
    return diarspk.Diarizer()


def sound(name: str, seconds: float = 8.0, rate: int = RATE) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(0).normal(size=len(time))
    made = {
        "silence": 0 * time,
        "tone": 0.5 * np.sin(2 * np.pi * 440 * time),
        "hiss": 0.01 * noise,
        "clipped tone": np.clip(3 * np.sin(2 * np.pi * 440 * time), -1, 1),
    }
    return made[name].astype(np.float32)


@pytest.mark.parametrize("name", ["silence", "tone", "hiss", "clipped tone"])
def test_what_is_no_speech_has_no_turns(diarizer, name):
    stream = StreamingDiarizer(diarizer=diarizer)
    update = stream.push(sound(name), RATE)
    assert update.final == () and update.events == ()
    with pytest.warns(SpeechWarning, match="no speech"):
        assert not stream.finish().annotation


def test_a_telephone_at_8_khz_is_taken(diarizer):
    stream = StreamingDiarizer(diarizer=diarizer)
    update = stream.push(sound("hiss", 2.0, 8000), 8000)
    assert update.time > 1.0
    with pytest.warns(SpeechWarning):
        assert stream.finish().duration == 2.0
