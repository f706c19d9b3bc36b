"""Transcription by faster-whisper, and what is said where it cannot work."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from diarspk.errors import ModelError
from diarspk.transcripts.recognition import transcribe


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    soundfile.write(path, np.zeros(16000, np.float32), 16000)
    return path


def test_without_faster_whisper_the_extra_is_named(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(ModelError, match=r"install diarspk\[asr\], or pass a transcript"):
        transcribe(recording, "small")


@pytest.mark.parametrize("name", ["folder", "small", "nobody/nothing"])
def test_without_weights_one_line_says_so_and_nothing_is_downloaded(
    recording: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("faster_whisper")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a connection was opened"))
    if name == "folder":
        name = str(tmp_path / name)
        Path(name).mkdir()
    with pytest.raises(ModelError, match="which diarspk does not download") as told:
        transcribe(recording, name)
    assert "\n" not in str(told.value)
    assert str(told.value).startswith(f"{name}: ")


def test_a_damaged_model_is_told_in_one_line(recording: Path, tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    (tmp_path / "model.bin").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"cannot be loaded \(.*\); give the folder") as told:
        transcribe(recording, tmp_path)
    assert "\n" not in str(told.value)


@dataclass
class Information:
    language: str = "en"


class Model:
    """Stand-in for ``faster_whisper.WhisperModel``, whose weights no test has."""

    def __init__(self, path: str, **settings: Any) -> None:
        assert settings["local_files_only"] is True

    def transcribe(self, samples: Any, **settings: Any) -> tuple[Any, Information]:
        assert settings["word_timestamps"] is True
        assert samples.dtype == np.float32
        word = {"word": " Hi", "start": 0.0, "end": len(samples) / 16000, "probability": 0.5}
        return iter([{"start": 0.0, "end": 1.0, "text": " Hi", "words": [word]}]), Information()


def test_what_the_model_says_becomes_a_transcript(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faster_whisper = pytest.importorskip("faster_whisper")
    monkeypatch.setattr(faster_whisper, "WhisperModel", Model)
    found = transcribe(recording, "folder")
    assert (found.uri, found.language) == ("call", "en")
    assert [(word.text, word.start, word.end) for word in found.words] == [(" Hi", 0.0, 1.0)]
