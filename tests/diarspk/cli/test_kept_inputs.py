"""No command writes over what it reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from diarspk.cli.kept_inputs import keep_inputs
from diarspk.errors import ArgumentError

Run = Callable[..., Result]

RTTM = "SPEAKER call 1 0.5 2.0 <NA> <NA> ann <NA> <NA>\n"
WORDS = {"words": [{"word": "hello", "start": 0.6, "end": 1.0}]}


def test_a_file_is_known_under_every_name(tmp_path: Path) -> None:
    file, link = tmp_path / "a.txt", tmp_path / "b.txt"
    file.write_text("kept")
    link.symlink_to(file)
    for output in (file, link, tmp_path / "." / "a.txt"):
        with pytest.raises(ArgumentError, match="must not be an input, got "):
            keep_inputs(output, [None, tmp_path / "missing", file])
    keep_inputs(None, [file])
    keep_inputs(tmp_path / "new.txt", [file])
    keep_inputs(tmp_path, [file])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("call.rttm", "other.rttm"):
        (tmp_path / name).write_text(RTTM)
    for name in ("call.json", "other.json"):
        (tmp_path / name).write_text(json.dumps(WORDS))
    (tmp_path / "trials").write_text("1 a.wav b.wav\n")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        "combine call.rttm other.rttm -o other.rttm",
        "transcript call.json --diarization call.rttm -o call.json",
        "transcript call.json other.json --diarization . --format whisperx -o .",
        "align fit call.json other.json -o call.json",
        "align apply call.json other.json -o other.json",
        "verify --trials trials -o trials",
        "export-cue call.json -o call.json",
    ],
)
def test_an_input_is_kept(run: Run, folder: Path, words: str) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    result = run(*words.split())
    assert result.exit_code == 1
    assert "error: `-o` must not be an input, got " in result.stderr
    after = {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix != ".csv"}
    assert after == before
