"""``diarspk gallery``, ``verify``, ``export-cue`` and ``align`` over an encoder of three tones."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from diarspk.cli import app
from diarspk.embeddings.space import Space
from diarspk.verification.calibration import ScoreCalibration

SAMPLE_RATE = 16000
TONES = {"ann": 200.0, "ben": 400.0, "eve": 800.0}


class ToneEncoder:
    """Energy at each of the three tones, and a little of everything."""

    dimension = 4
    fingerprint = "tones"
    space = Space("tones", 4)

    def embed(self, audio: np.ndarray | str | Path, sample_rate: int | None = None) -> np.ndarray:
        if isinstance(audio, str | Path):
            from diarspk.audio import load_audio

            audio = load_audio(audio)
        time = np.arange(len(audio)) / SAMPLE_RATE
        found = [abs(np.exp(-2j * np.pi * f * time) @ audio) for f in TONES.values()]
        vector = np.array([*found, 0.2 * max(found)])
        return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture(autouse=True)
def encoder(monkeypatch: pytest.MonkeyPatch) -> ToneEncoder:
    made = ToneEncoder()
    quality = ModuleType("diarspk.features.speech_quality")
    monkeypatch.setattr(quality, "check_speech", lambda audio: [], raising=False)
    monkeypatch.setitem(sys.modules, "diarspk.features.speech_quality", quality)
    monkeypatch.setattr("diarspk.load_encoder", lambda name: made, raising=False)
    monkeypatch.setattr("diarspk.verification.calibration.shipped_calibration", calibration)
    monkeypatch.setattr("diarspk.verification.gallery.gallery.shipped_calibration", calibration)
    return made


def calibration(fingerprint: str) -> ScoreCalibration | None:
    return ScoreCalibration(40.0, -24.0, {}, "tones") if fingerprint == "tones" else None


@pytest.fixture
def voices(tmp_path: Path) -> dict[str, list[Path]]:
    """Three takes of each speaker: a tone in some noise."""
    random = np.random.default_rng(0)
    time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    made: dict[str, list[Path]] = {}
    for name, tone in TONES.items():
        for take in range(3):
            file = tmp_path / f"{name}{take}.wav"
            samples = 0.3 * np.sin(2 * np.pi * tone * time) + 0.02 * random.normal(size=len(time))
            soundfile.write(file, samples, SAMPLE_RATE)
            made.setdefault(name, []).append(file)
    return made


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def folder(tmp_path: Path, voices: dict[str, list[Path]]) -> Path:
    """A gallery that knows ann and ben."""
    made = tmp_path / "people"
    for name in ("ann", "ben"):
        result = run("gallery", "enroll", name, *voices[name][:2], "-g", made)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == "".join(f"{name}\t{file}\n" for file in voices[name][:2])
    return made


def test_known_and_unknown_voices(folder: Path, voices: dict[str, list[Path]]) -> None:
    result = run("gallery", "identify", *(takes[2] for takes in voices.values()), "-g", folder)
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[1] for row in rows] == ["ann", "ben", "unknown"]
    assert all(float(row[2]) > 0.9 for row in rows)
    as_json = run("gallery", "identify", voices["ann"][2], "-g", folder, "--json")
    record = json.loads(as_json.stdout)
    assert (record["speaker"], record["candidates"][0]["speaker"]) == ("ann", "ann")


def test_search_list_and_remove(folder: Path, voices: dict[str, list[Path]]) -> None:
    found = run("gallery", "search", voices["ben"][2], "-g", folder, "--limit", "2").stdout
    assert [line.split("\t")[2:] for line in found.splitlines()] in (
        [["ben", str(voices["ben"][0])], ["ben", str(voices["ben"][1])]],
        [["ben", str(voices["ben"][1])], ["ben", str(voices["ben"][0])]],
    )
    listed = run("gallery", "list", "-g", folder)
    assert [line.split()[:2] for line in listed.stdout.splitlines()[1:]] == [
        ["ann", "2"],
        ["ben", "2"],
    ]
    assert "fingerprint tones" in listed.stderr
    removed = run("gallery", "remove", "ann", "nobody", "-g", folder)
    assert (removed.exit_code, removed.stdout) == (1, "ann\t2\n")
    assert "nobody is called 'nobody'" in removed.stderr
    (line,) = run("gallery", "list", "-g", folder, "--json").stdout.splitlines()
    assert json.loads(line)["speaker"] == "ben"


def test_a_gallery_of_another_encoder_is_refused(
    folder: Path, voices: dict[str, list[Path]], encoder: ToneEncoder
) -> None:
    encoder.fingerprint = "others"
    for command in (
        ["gallery", "enroll", "eve", voices["eve"][0]],
        ["gallery", "identify", voices["ann"][2]],
        ["gallery", "search", voices["ann"][2]],
    ):
        result = run(*command, "-g", folder)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "fingerprint tones, got one of others" in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_faults_are_named(tmp_path: Path, folder: Path, voices: dict[str, list[Path]]) -> None:
    missing = run("gallery", "list", "-g", tmp_path / "none")
    assert (missing.exit_code, missing.stderr.count("\n")) == (1, 1)
    assert "no gallery" in missing.stderr
    partly = run("gallery", "enroll", "eve", "missing.wav", voices["eve"][0], "-g", folder)
    assert partly.exit_code == 1
    assert partly.stdout == f"eve\t{voices['eve'][0]}\n"
    assert "missing.wav" in partly.stderr
    named = run("gallery", "enroll", "SPEAKER_01", voices["eve"][0], "-g", folder)
    assert (named.exit_code, named.stdout) == (1, "")


def test_a_recording_of_somebody_else_is_warned_about(
    tmp_path: Path, voices: dict[str, list[Path]]
) -> None:
    result = run("gallery", "enroll", "ann", *voices["ann"], voices["eve"][0], "-g", tmp_path / "x")
    assert result.stderr == f"warning: {voices['eve'][0]}: does not sound like the others\n"


def test_verify_two_recordings(voices: dict[str, list[Path]]) -> None:
    same = run("verify", voices["ann"][0], voices["ann"][1])
    assert (same.exit_code, same.stderr) == (0, "")
    first, second, score, sure, answer = same.stdout.rstrip("\n").split("\t")
    assert [first, second] == [str(file) for file in voices["ann"][:2]]
    assert (answer, float(score) > 0.95, float(sure) > 0.99) == ("same", True, True)
    assert run("verify", voices["ann"][0], voices["ben"][0]).stdout.endswith("different\n")
    strict = run("verify", voices["ann"][0], voices["ann"][1], "--threshold", "1.1")
    assert strict.stdout.endswith("different\n")
    record = json.loads(run("verify", *voices["ann"][:2], "--json").stdout)
    assert (record["same"], record["fingerprint"]) == (True, "tones")


def test_verify_without_calibration_gives_no_probability(
    voices: dict[str, list[Path]], encoder: ToneEncoder
) -> None:
    encoder.fingerprint = "new"
    result = run("verify", *voices["ann"][:2])
    assert result.stdout.endswith("\t-\tunknown\n")
    assert "give --threshold" in result.stderr
    assert run("verify", *voices["ann"][:2], "--threshold", "0.5").stdout.endswith("-\tsame\n")


def test_verify_a_list(tmp_path: Path, voices: dict[str, list[Path]]) -> None:
    names = [file.name for takes in voices.values() for file in takes]
    lines = [f"{int(a[:3] == b[:3])} {a} {b}\n" for a in names for b in names if a < b]
    (tmp_path / "trials.txt").write_text("".join(lines))
    output = tmp_path / "scores.txt"
    list_options = ["--trials", tmp_path / "trials.txt", "--root", tmp_path]
    result = run("verify", *list_options, "-o", output)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "36, 9 of them targets" in result.stdout
    assert "EER %        0.00" in result.stdout
    assert "actDCF" in result.stdout
    scored = [line.split() for line in output.read_text().splitlines()]
    assert [[a, b] for a, b, _ in scored] == [line.split()[1:] for line in lines]
    report = json.loads(run("verify", *list_options, "--json").stdout)
    assert report["equal_error_rate"]["value"] == 0.0


@pytest.mark.parametrize(
    "arguments", [[], ["a.wav"], ["a.wav", "b.wav", "c.wav"], ["a.wav", "b.wav", "--prior", "0"]]
)
def test_verify_takes_two(arguments: list[str]) -> None:
    assert run("verify", *arguments).exit_code == 2


def test_export_writes_or_refuses(tmp_path: Path, voices: dict[str, list[Path]]) -> None:
    done = run("export-cue", *voices["ann"], "--for", "numpy", "-o", tmp_path / "ann.npy")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert np.load(tmp_path / "ann.npy").shape == (4,)
    card = json.loads((tmp_path / "ann.npy.card.json").read_text())
    assert (card["speaker"], card["fingerprint"]) == ("ann0", "tones")
    nemo = ["export-cue", voices["ann"][0], "--for", "nemo", "-o", tmp_path / "nemo.npy"]
    refused = run(*nemo)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "nothing says" in refused.stderr
    assert not (tmp_path / "nemo.npy").exists()
    assert run(*nemo, "--trained-on", "tones").exit_code == 0
    assert run(*nemo[:2], "--for", "nobody", "-o", "x").exit_code == 2


def test_export_reports_and_drops_outliers(tmp_path: Path, voices: dict[str, list[Path]]) -> None:
    mixed = [*voices["ann"], voices["ben"][0]]
    arguments = ["export-cue", *mixed, "--for", "numpy", "-o", tmp_path / "a.npz"]
    reported = run(*arguments)
    assert f"{voices['ben'][0]}: does not fit" in reported.stderr
    run(*arguments, "--drop-outliers")
    with np.load(tmp_path / "a.npz") as saved:
        assert saved["files"].tolist() == [str(file) for file in voices["ann"]]


def test_fit_and_apply_an_alignment(tmp_path: Path, voices: dict[str, list[Path]]) -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(30, 4)).astype(np.float32)
    turn = np.linalg.qr(random.normal(size=(4, 4)))[0].astype(np.float32)
    files = np.array([f"{number}.wav" for number in range(30)])
    spans = np.tile([0.0, 2.0], (30, 1))

    def save(name: str, vectors: np.ndarray, order: np.ndarray, fingerprint: str) -> Path:
        np.savez(
            tmp_path / name,
            vectors=vectors[order],
            files=files[order],
            spans=spans,
            model=np.array(name),
            fingerprint=np.array(fingerprint),
        )
        return tmp_path / name

    first = save("a.npz", rows, np.arange(30), "old")
    second = save("b.npz", rows @ turn, random.permutation(30), "new")
    options = ["--method", "procrustes-m2", "-o", tmp_path / "map.json"]
    fitted = run("align", "fit", first, second, *options)
    assert (fitted.exit_code, fitted.stdout) == (0, "")
    assert "30 pairs" in fitted.stderr
    assert (
        run("align", "apply", tmp_path / "map.json", first, "-o", tmp_path / "c.npz").exit_code == 0
    )
    with np.load(tmp_path / "c.npz") as mapped:
        expected = rows @ turn / np.linalg.norm(rows, axis=1, keepdims=True)
        np.testing.assert_allclose(mapped["vectors"], expected, atol=1e-4)
        assert mapped["fingerprint"] == "new"
    foreign = save("d.npz", rows, np.arange(30), "third")
    refused = run("align", "apply", tmp_path / "map.json", foreign, "-o", tmp_path / "e.npz")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "got third" in refused.stderr
    (tmp_path / "speakers.tsv").write_text("".join(f"{f}\t{i % 6}\n" for i, f in enumerate(files)))
    named = ["--speakers", tmp_path / "speakers.tsv", "--method", "logits"]
    assert run("align", "fit", first, second, *named, "-o", tmp_path / "l.json").exit_code == 0


def test_a_gallery_moves_to_another_encoder(tmp_path: Path, folder: Path) -> None:
    from diarspk.embeddings.space import Space
    from diarspk.verification.alignment import LinearAlignment, write_alignment

    rows = np.random.default_rng(0).normal(size=(20, 4))
    made = LinearAlignment(Space("tones", 4), Space("next", 3), toward="runtime")
    write_alignment(made.fit(rows, rows[:, :3]), tmp_path / "map.json")
    moved = run("gallery", "migrate", tmp_path / "map.json", "-g", folder)
    assert (moved.exit_code, moved.stdout) == (0, "")
    assert "fingerprint next, dimension 3" in moved.stderr
    again = run("gallery", "migrate", tmp_path / "map.json", "-g", folder)
    assert again.exit_code == 0  # `next` is the side that stays as it is
