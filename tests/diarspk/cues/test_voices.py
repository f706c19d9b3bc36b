"""Exported voices, read again as synthesizers read them."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from safetensors import safe_open

from diarspk.cues import ClipScore, VoiceClip
from diarspk.cues.export import export_voices
from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError, FormatError
from diarspk.transcripts.word import Word
from tests.diarspk.encoders.pretrained.test_qwen3_tts import random_network, write_model

SCORE = ClipScore(4.0, 30.0, -20.0, 0.0, 0.1)
SPACE = Space("fp", 4, "toy")


def clip(speaker: str, *words: Word, seconds: float = 4.0, seed: int = 0) -> VoiceClip:
    random = np.random.default_rng(seed)
    samples = random.uniform(-1, 1, round(seconds * 24000)).astype(np.float32)
    vector = random.normal(size=4).astype(np.float32)
    return VoiceClip(
        speaker, "meeting", 2.0, 2.0 + seconds, samples, 24000, SCORE, words, vector, SPACE
    )


SAID = (Word('"So,', 2.0, 2.4), Word("let's", 2.4, 2.8), Word("go\x7f.", 2.8, 3.0, estimated=True))


def test_each_voice_has_a_clip_its_words_and_a_vector(tmp_path: Path) -> None:
    clips = {"A/B": clip("A/B", *SAID), "A_B": clip("A_B", seed=1)}
    manifest = export_voices(clips, tmp_path / "voices")
    folder = tmp_path / "voices"
    assert json.loads((folder / "voices.json").read_text()) == manifest
    names = {"A_B.wav", "A_B-2.wav", "A_B-2.txt", "voices.json", "voices.safetensors"}
    assert {file.name for file in folder.iterdir()} == names
    first, second = manifest["voices"]["A/B"], manifest["voices"]["A_B"]
    assert (first["text"], first["estimated_times"]) == ("\"So, let's go\x7f.", True)
    assert (folder / first["text_file"]).read_text() == "\"So, let's go\x7f.\n"
    assert second["text"] is None
    for label, entry in manifest["voices"].items():
        sound, rate = soundfile.read(folder / entry["file"], dtype="float32")
        assert rate == 24000
        np.testing.assert_allclose(sound, clips[label].samples, atol=1e-4)
        digest = hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest()
        assert entry["sha256"] == digest
    with safe_open(folder / "voices.safetensors", "np") as stored:
        assert stored.metadata() == {"fingerprint": "fp"}
        for label, one in clips.items():
            np.testing.assert_array_equal(stored.get_tensor(label), one.vector)
    assert manifest["vectors"]["space"] == {"fingerprint": "fp", "dimension": 4, "name": "toy"}


def test_the_same_voices_give_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        clips = {"A": clip("A", *SAID), "B": clip("B", seed=1)}
        export_voices(clips, tmp_path / name, synthesizer="f5-tts")
    one, two = ({f.name: f.read_bytes() for f in (tmp_path / n).iterdir()} for n in "ab")
    assert one == two


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is of Python 3.11")
def test_f5_tts_reads_a_voice_for_each_label(tmp_path: Path) -> None:
    import tomllib

    clips = {"Ann-1": clip("Ann-1", *SAID), "Ann 1": clip("Ann 1"), "main": clip("main")}
    export_voices(clips, tmp_path, synthesizer="f5-tts")
    settings = tomllib.loads((tmp_path / "f5-tts.toml").read_text())
    assert settings["ref_audio"] == "Ann-1.wav"
    # A text changes the voice by [name], which F5-TTS finds by \w+; `main` is the one above.
    assert list(settings["voices"]) == ["Ann_1", "Ann_1_2", "main_2"]
    assert settings["voices"]["Ann_1"] == {"ref_audio": "Ann-1.wav", "ref_text": "\"So, let's go."}
    assert all((tmp_path / one["ref_audio"]).is_file() for one in settings["voices"].values())


def qwen_model(folder: Path) -> Path:
    folder.mkdir()
    return write_model(folder, random_network())


def test_vllm_omni_reads_the_voices_of_qwen3_tts(tmp_path: Path) -> None:
    """By the rules of its loader: names, files in the folder, vectors of the model's size."""
    model, folder = qwen_model(tmp_path / "Qwen3-TTS-Base"), tmp_path / "voices"
    clips = {"Ann/1": clip("Ann/1", *SAID), "voices": clip("voices", seed=1)}
    export_voices(clips, folder, synthesizer="qwen3-tts", model=model)
    manifest = json.loads((folder / "custom_voice_manifest.json").read_text())
    assert (manifest["schema_version"], manifest["model_type"]) == (1, "qwen3_tts")
    assert (manifest["model"], manifest["hidden_size"]) == ("Qwen3-TTS-Base", 64)
    for label, entry in manifest["voices"].items():
        assert entry["name"] == label and entry["mode"] == "xvec"
        file = (folder / entry["file"]).resolve()
        assert file.is_relative_to(folder.resolve())
        with safe_open(file, "pt") as tensors:
            vector = tensors.get_tensor("speaker_embedding")
        assert vector.reshape(-1).numel() == entry["embedding_dim"] == 64
        assert str(vector.dtype) == "torch.float32"
    assert manifest["voices"]["Ann/1"]["ref_text"].startswith('"So,')
    assert "ref_text" not in manifest["voices"]["voices"]
    assert (
        len({entry["file"] for entry in manifest["voices"].values()} | {"voices.safetensors"}) == 3
    )
    export_voices({"Eve": clip("Eve")}, folder, synthesizer="qwen3-tts", model=model)
    again = json.loads((folder / "custom_voice_manifest.json").read_text())["voices"]
    assert list(again) == ["Ann/1", "voices", "Eve"]
    assert again["Ann/1"] == manifest["voices"]["Ann/1"]


def test_a_manifest_of_another_model_stays(tmp_path: Path) -> None:
    model, folder = qwen_model(tmp_path / "model"), tmp_path / "voices"
    folder.mkdir()
    file = folder / "custom_voice_manifest.json"
    for content, fault in (
        ('{"model_type": "voxcpm2", "voices": {}}', "is of voxcpm2"),
        ('{"model_type": "qwen3_tts", "hidden_size": 2048, "voices": {}}', "with 2048 dimensions"),
        ("[1", "no manifest of voices"),
    ):
        file.write_text(content)
        with pytest.raises(FormatError, match=fault):
            export_voices({"A": clip("A")}, folder, synthesizer="qwen3-tts", model=model)
        assert [one.name for one in folder.iterdir()] == [file.name]
        assert file.read_text() == content
    with pytest.raises(ArgumentError, match="`model` goes with"):
        export_voices({"A": clip("A")}, folder, model=model)


def test_faults_leave_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="got none"):
        export_voices({}, tmp_path / "v")
    with pytest.raises(ArgumentError, match="among any, chatterbox, f5-tts, qwen3-tts, got 'x'"):
        export_voices({"A": clip("A")}, tmp_path / "v", synthesizer="x")
    with pytest.raises(ArgumentError, match=r"of 5.05 s or more for chatterbox, got 4.00 s of A"):
        export_voices({"A": clip("A")}, tmp_path / "v", synthesizer="chatterbox")
    assert not (tmp_path / "v").exists()
    export_voices({"A": clip("A", seconds=6.0)}, tmp_path / "v", synthesizer="chatterbox")
