"""``diarspk export-cue`` with a tiny encoder; ``export-encoder`` is tested with the ONNX engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from diarspk import load_encoder
from diarspk.audio import SAMPLE_RATE
from diarspk.cues import read_cue
from tests.tiny_model import tone

Run = Callable[..., Result]
Voices = dict[str, list[Path]]


def test_a_vector_is_written_or_refused(
    run: Run, tmp_path: Path, voices: Voices, tiny: Path
) -> None:
    encoder = load_encoder(tiny)
    options = ["--encoder", tiny, "--for"]
    done = run("export-cue", *voices["ann"], *options, "numpy", "-o", tmp_path / "ann.npy")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert np.load(tmp_path / "ann.npy").shape == (encoder.dimension,)
    card = json.loads((tmp_path / "ann.npy.card.json").read_text())
    assert (card["speaker"], card["fingerprint"]) == ("ann0", encoder.fingerprint)
    nemo = ["export-cue", voices["ann"][0], *options, "nemo", "-o", tmp_path / "nemo.npy"]
    refused = run(*nemo)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "nothing says" in refused.stderr
    assert not (tmp_path / "nemo.npy").exists()
    assert run(*nemo, "--trained-on", encoder.fingerprint).exit_code == 0
    assert run(*nemo, "--trained-on", tiny).exit_code == 0
    assert run("export-cue", voices["ann"][0], *options, "nobody", "-o", "x").exit_code == 2


@pytest.mark.parametrize("system", ["numpy", "cue"])
def test_a_recording_that_is_hardly_fit_is_told(
    run: Run, tmp_path: Path, tiny: Path, system: str
) -> None:
    soundfile.write(tmp_path / "short.wav", tone("ann", 1.0), SAMPLE_RATE)
    words = ["export-cue", tmp_path / "short.wav", "--encoder", tiny, "--for", system]
    done = run(*words, "-o", tmp_path / "short.npz")
    assert (done.exit_code, done.stdout) == (0, "")
    assert f"warning: {tmp_path / 'short.wav'}: has 0.8 s of speech; embeddings" in done.stderr


def test_outliers_are_reported_and_dropped(
    run: Run, tmp_path: Path, voices: Voices, tiny: Path
) -> None:
    mixed = [*voices["ann"], voices["ben"][0]]
    words = ["export-cue", *mixed, "--encoder", tiny, "--for", "numpy", "-o", tmp_path / "a.npz"]
    assert f"{voices['ben'][0]}: does not fit" in run(*words).stderr
    run(*words, "--drop-outliers")
    with np.load(tmp_path / "a.npz") as saved:
        assert saved["files"].tolist() == [str(file) for file in voices["ann"]]


@pytest.fixture
def meeting(tmp_path: Path) -> Path:
    """A recording of ann, both at once, and ben, with its diarization beside it."""
    ann, ben = tone("ann", 12.0), tone("ben", 12.0)
    both = ann[: 2 * SAMPLE_RATE] + ben[: 2 * SAMPLE_RATE]
    soundfile.write(tmp_path / "meeting.wav", np.concatenate([ann, both, ben]), SAMPLE_RATE)
    lines = (("SPEAKER_00", 0.0, 14.0), ("SPEAKER_01", 12.0, 14.0), ("SPEAKER_02", 12.0, 1.0))
    record = "SPEAKER meeting 1 {} {} <NA> <NA> {} <NA> <NA>\n"
    text = "".join(record.format(start, length, label) for label, start, length in lines)
    (tmp_path / "meeting.rttm").write_text(text)
    return tmp_path / "meeting.wav"


def test_one_speaker_of_a_diarized_recording_is_exported(
    run: Run, meeting: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(meeting.parent)
    words = ["--diarization", "meeting.rttm", "--speaker", "SPEAKER_01", "meeting.wav"]
    done = run("export-cue", *words, "--encoder", tiny)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "meeting-SPEAKER_01.npz\n", "")
    card = json.loads(Path("meeting-SPEAKER_01.npz.card.json").read_text())
    assert card["speaker"] == "SPEAKER_01"
    assert list(card["references"]) == ["meeting-SPEAKER_01-1.wav", "meeting-SPEAKER_01-2.wav"]
    encoder = load_encoder(tiny)
    with np.load("meeting-SPEAKER_01.npz", allow_pickle=False) as saved:
        ann, ben = (encoder.embed(tone(name, 12.0), SAMPLE_RATE) for name in ("ann", "ben"))
        assert saved["vector"] @ ben > 0.9 > saved["vector"] @ ann


def test_json_of_a_diarization_is_read_as_well(run: Run, meeting: Path, tiny: Path) -> None:
    turns = [{"start": 14.0, "end": 26.0, "speaker": "Ben/B"}]
    (meeting.parent / "m.json").write_text(json.dumps({"turns": turns}))
    words = ["--diarization", meeting.parent / "m.json", "--speaker", "Ben/B", meeting]
    output = meeting.parent / "voices"
    known = ["--trained-on", tiny, "--encoder", tiny, "--for", "nemo"]
    assert run("export-cue", *words, *known, "-o", output / "ben.npy").exit_code == 0
    card = json.loads((output / "ben.npy.card.json").read_text())
    assert next(iter(card["references"])) == "meeting-Ben_B-1.wav"


def test_a_whole_cue_has_frames_and_prosody(
    run: Run, meeting: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(meeting.parent)
    words = ["meeting.wav", "--diarization", "meeting.rttm", "--speaker", "SPEAKER_00"]
    done = run("export-cue", *words, "--for", "cue", "--encoder", tiny)
    assert (done.exit_code, done.stdout) == (0, "meeting-SPEAKER_00.npz\n")
    cue = read_cue("meeting-SPEAKER_00.npz")
    assert cue.duration == pytest.approx(11.9, abs=0.1)  # where nobody else talks
    assert len(cue.frames.data) * cue.frames.hop == pytest.approx(cue.duration, abs=0.1)
    card = json.loads(Path("meeting-SPEAKER_00.npz.card.json").read_text())
    assert card["prosody"]["speech_s"] > 5 and card["speaker"] == "SPEAKER_00"
    alone = ["ann.safetensors", "--encoder", tiny, "--for", "cue"]
    soundfile.write("ann.wav", tone("ann"), SAMPLE_RATE)
    assert run("export-cue", "ann.wav", "-o", *alone).exit_code == 0
    assert read_cue("ann.safetensors").duration == 3.0
    for refused in (["ann.wav", "meeting.wav"], ["ann.wav", "--drop-outliers"]):
        assert run("export-cue", *refused, "-o", *alone).exit_code == 2


@pytest.mark.parametrize(
    ("words", "status", "fault"),
    [
        ([], 1, "--speaker is missing; --speaker must be one of SPEAKER_00, SPEAKER_01"),
        (["--speaker", "ann"], 1, "has no speaker 'ann'"),
        (["--speaker", "SPEAKER_02"], 1, "SPEAKER_02 talks alone for 0.0 s; 2 s are needed"),
        (["--speaker", "SPEAKER_00", "other.wav"], 2, "one recording"),
    ],
)
def test_faults_of_a_diarized_speaker(
    run: Run, meeting: Path, tiny: Path, words: list[str], status: int, fault: str
) -> None:
    options = ["--diarization", meeting.with_suffix(".rttm"), "--encoder", tiny]
    done = run("export-cue", meeting, *options, *words)
    assert done.exit_code == status
    assert fault in " ".join(done.stderr.replace("│", " ").split())
    assert not list(meeting.parent.glob("*.npz"))
