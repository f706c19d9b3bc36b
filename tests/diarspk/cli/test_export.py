"""``diarspk export-cue`` with a tiny encoder; ``export-encoder`` is tested with the ONNX engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from typer.testing import Result

from diarspk import load_encoder

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


def test_outliers_are_reported_and_dropped(
    run: Run, tmp_path: Path, voices: Voices, tiny: Path
) -> None:
    mixed = [*voices["ann"], voices["ben"][0]]
    words = ["export-cue", *mixed, "--encoder", tiny, "--for", "numpy", "-o", tmp_path / "a.npz"]
    assert f"{voices['ben'][0]}: does not fit" in run(*words).stderr
    run(*words, "--drop-outliers")
    with np.load(tmp_path / "a.npz") as saved:
        assert saved["files"].tolist() == [str(file) for file in voices["ann"]]
