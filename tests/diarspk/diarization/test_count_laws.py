"""Laws of the number of people on audio: silence and repetition change nothing."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import diarspk
from diarspk.audio import load_audio
from tests.paths import SHARED

CONVERSATIONS = SHARED / "conversations" / "simulated"
RATE = 16000

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def diarizer() -> diarspk.Diarizer:
    return diarspk.Diarizer()


def shares(result: diarspk.Diarization) -> list[float]:
    """Shares of talk, the largest first."""
    seconds = np.array([value for _, value in result.annotation.chart()])
    return (seconds / seconds.sum()).tolist()


@pytest.mark.parametrize("silence_s", [1.0, 2.0])
def test_silence_before_a_call_changes_no_number(
    diarizer: diarspk.Diarizer, silence_s: float
) -> None:
    package = find_spec("pyannote.audio")
    if package is None or package.origin is None:
        pytest.skip("pyannote.audio, with whose sample this is tried, is not installed")
    call = load_audio(Path(package.origin).parent / "sample" / "sample.wav")
    silence = np.zeros(round(silence_s * RATE), np.float32)
    assert len(diarizer(np.concatenate([silence, call]), RATE).speakers) == 2


@pytest.mark.skipif(
    not CONVERSATIONS.is_dir(), reason="the recordings are not part of the repository"
)
@pytest.mark.parametrize(("name", "people"), [("dev-00", 3), ("dev-02", 2)])
def test_repetition_and_silence_change_no_conversation(
    diarizer: diarspk.Diarizer, name: str, people: int
) -> None:
    speech = load_audio(CONVERSATIONS / f"{name}.opus")[: 75 * RATE]
    once = diarizer(speech, RATE)
    assert len(once.speakers) == people
    later = np.concatenate([np.zeros(10 * RATE, np.float32), speech])
    for changed in (later, np.tile(speech, 4)):
        result = diarizer(changed, RATE)
        assert len(result.speakers) == people
        assert shares(result) == pytest.approx(shares(once), abs=0.06)
