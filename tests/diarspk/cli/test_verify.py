"""``diarspk verify`` with a tiny encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import Result

from diarspk import load_encoder
from diarspk.verification.calibration import ScoreCalibration

Run = Callable[..., Result]
Voices = dict[str, list[Path]]


@pytest.fixture
def calibrated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, calibration: ScoreCalibration
) -> None:
    """Calibration of the tiny encoder among the assets, where that of the embedded one is."""
    (tmp_path / "assets" / "calibration").mkdir(parents=True)
    calibration.write(tmp_path / "assets" / "calibration" / f"{calibration.fingerprint}.json")
    folder = tmp_path / "assets"
    monkeypatch.setattr("diarspk.checkpoints.assets.asset_folder", lambda: folder)


@pytest.mark.usefixtures("calibrated")
def test_two_recordings_are_of_one_speaker_or_not(run: Run, voices: Voices, tiny: Path) -> None:
    same = run("verify", *voices["ann"][:2], "--encoder", tiny)
    assert (same.exit_code, same.stderr) == (0, "")
    first, second, score, probability, decision = same.stdout.rstrip("\n").split("\t")
    assert [first, second] == [str(file) for file in voices["ann"][:2]]
    assert (decision, float(score) > 0.95, float(probability) > 0.99) == ("same", True, True)
    pair = voices["ann"][0], voices["ben"][0]
    assert run("verify", *pair, "--encoder", tiny).stdout.endswith("different\n")
    strict = run("verify", *voices["ann"][:2], "--encoder", tiny, "--threshold", "1.1")
    assert strict.stdout.endswith("different\n")
    record = json.loads(run("verify", *voices["ann"][:2], "--encoder", tiny, "--json").stdout)
    assert (record["same"], record["fingerprint"]) == (True, load_encoder(tiny).fingerprint)


@pytest.mark.usefixtures("calibrated")
def test_the_prior_moves_the_probability(run: Run, voices: Voices, tiny: Path) -> None:
    pair = [*voices["ann"][:2], "--encoder", tiny]
    found = [
        float(run("verify", *pair, "--prior", prior).stdout.split("\t")[3])
        for prior in (1e-6, 1e-4, 0.5)
    ]
    assert found == sorted(found) and found[0] < found[2]


@pytest.fixture
def described(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, calibration: ScoreCalibration
) -> None:
    """A calibration that says what it was fitted on."""
    (tmp_path / "assets" / "calibration").mkdir(parents=True)
    told = replace(calibration, fitted_on="40 pairs of one sex")
    told.write(tmp_path / "assets" / "calibration" / f"{calibration.fingerprint}.cosine.json")
    folder = tmp_path / "assets"
    monkeypatch.setattr("diarspk.checkpoints.assets.asset_folder", lambda: folder)


@pytest.mark.usefixtures("described")
def test_it_tells_what_the_probability_was_fitted_on(
    run: Run, tmp_path: Path, voices: Voices, tiny: Path
) -> None:
    pair = [*voices["ann"][:2], "--encoder", tiny]
    done = run("verify", *pair)
    assert done.stderr == "probability by cosine, fitted on 40 pairs of one sex\n"
    assert done.stdout.endswith("\tsame\n")
    record = json.loads(run("verify", *pair, "--json").stdout)
    assert (record["scoring"], record["fitted_on"]) == ("cosine", "40 pairs of one sex")
    (tmp_path / "trials.txt").write_text("1 ann0.wav ann1.wav\n0 ann0.wav ben0.wav\n")
    listed = ["--trials", tmp_path / "trials.txt", "--root", tmp_path, "--encoder", tiny]
    assert "fitted on 40 pairs of one sex" in run("verify", *listed).stderr


@pytest.mark.parametrize("scoring", ["plda", "cohort"])
def test_a_scoring_that_the_encoder_lacks(
    run: Run, voices: Voices, tiny: Path, scoring: str
) -> None:
    done = run("verify", *voices["ann"][:2], "--encoder", tiny, "--scoring", scoring)
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert f"has no {scoring.replace('plda', 'PLDA')}" in done.stderr


def test_without_calibration_there_is_no_probability(run: Run, voices: Voices, tiny: Path) -> None:
    pair = [*voices["ann"][:2], "--encoder", tiny]
    result = run("verify", *pair)
    assert result.stdout.endswith("\t-\tunknown\n")
    assert "give --threshold" in result.stderr
    assert run("verify", *pair, "--threshold", "0.5").stdout.endswith("-\tsame\n")


@pytest.mark.usefixtures("calibrated")
def test_a_list_of_trials_is_scored(run: Run, tmp_path: Path, voices: Voices, tiny: Path) -> None:
    names = [file.name for takes in voices.values() for file in takes]
    lines = [f"{int(a[:3] == b[:3])} {a} {b}\n" for a in names for b in names if a < b]
    (tmp_path / "trials.txt").write_text("".join(lines))
    output = tmp_path / "scores.txt"
    options = ["--trials", tmp_path / "trials.txt", "--root", tmp_path, "--encoder", tiny]
    result = run("verify", *options, "-o", output)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "36, 9 of them targets" in result.stdout
    assert "EER %        0.00" in result.stdout
    assert "actDCF" in result.stdout
    scored = [line.split() for line in output.read_text().splitlines()]
    assert [[a, b] for a, b, _ in scored] == [line.split()[1:] for line in lines]
    report = json.loads(run("verify", *options, "--json").stdout)
    assert report["equal_error_rate"]["value"] == 0.0


@pytest.mark.parametrize(
    "arguments", [[], ["a.wav"], ["a.wav", "b.wav", "c.wav"], ["a.wav", "b.wav", "--prior", "0"]]
)
def test_it_takes_two_recordings(run: Run, arguments: list[str]) -> None:
    assert run("verify", *arguments).exit_code == 2
