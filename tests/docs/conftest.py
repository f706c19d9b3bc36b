"""A folder with the recordings that pages and examples name."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from pyannote.core import Annotation, Timeline

from diarspk.formats import read_rttm, save_annotation
from tests.tse.test_extraction import write_small

RATE = 16000


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real call of two people as ``meeting.wav``, and each of them alone.

    The recording is the one that pyannote.audio's package carries; its reference says who is who.
    """
    spec = find_spec("pyannote.audio")
    if spec is None or spec.origin is None:
        pytest.skip("pyannote.audio is not installed")
    sample = Path(spec.origin).parent / "sample"
    waveform, rate = soundfile.read(sample / "sample.wav", dtype="float32")
    assert rate == RATE
    (reference,) = read_rttm(sample / "sample.rttm").values()
    folder = tmp_path_factory.mktemp("recordings")
    reference.uri = "meeting"
    save_annotation(reference, folder / "reference.rttm")
    for name in ("hypothesis", "a", "b", "c"):
        shutil.copy(folder / "reference.rttm", folder / f"{name}.rttm")
    alice, bob = (alone(waveform, reference, label) for label in reference.labels())
    seconds = min(len(alice), len(bob))
    voices = {
        "meeting": waveform,
        "alice": alice[: len(alice) // 2],
        "alice-2": alice[len(alice) // 2 :],
        "bob": bob,
        "unknown": bob[len(bob) // 2 :],
        "mixture": (alice[:seconds] + bob[:seconds]) / 2,
    }
    for name, voice in voices.items():
        soundfile.write(folder / f"{name}.wav", voice, RATE)
    write_words(reference, folder / "words.json")
    write_small(folder, causal=True).rename(folder / "causal.json")
    (folder / "small.safetensors").rename(folder / "causal.safetensors")
    (folder / "recordings").mkdir()
    soundfile.write(folder / "recordings" / "call.wav", waveform[: 15 * RATE], RATE)
    return folder


@pytest.fixture
def workspace(recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of those recordings as the current folder."""
    shutil.copytree(recordings, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_words(reference: Annotation, path: Path) -> None:
    """Write what whisper would write, of words that are laid into the reference's turns."""
    segments = []
    for turn in reference.itersegments():
        step = turn.duration / 4
        words = [
            {"word": f" {word}", "start": turn.start + n * step, "end": turn.start + (n + 1) * step}
            for n, word in enumerate(("and", "so", "it", "goes."))
        ]
        segment = {"start": turn.start, "end": turn.end, "text": " and so it goes."}
        segments.append({**segment, "words": words})
    path.write_text(json.dumps({"segments": segments, "language": "en"}))


def alone(waveform: NDArray[np.float32], reference: Annotation, label: str) -> NDArray[np.float32]:
    """Join what a speaker says while nobody else talks."""
    others = [other for other in reference.labels() if other != label]
    own: Timeline = reference.label_timeline(label).support()
    own = own.extrude(reference.subset(others).get_timeline().support())
    return np.concatenate([waveform[int(s.start * RATE) : int(s.end * RATE)] for s in own])
