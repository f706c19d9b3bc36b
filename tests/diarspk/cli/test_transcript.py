"""``diarspk transcript``."""

from __future__ import annotations

import json
from inspect import signature
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from diarspk.cli import app
from diarspk.cli.transcript import TranscriptFormat, transcript
from diarspk.transcripts import AssignmentConfig
from diarspk.transcripts.saving import FORMATS

RTTM = "SPEAKER call 1 0 2 <NA> <NA> Ann <NA> <NA>\nSPEAKER call 1 2 3 <NA> <NA> Ben <NA> <NA>\n"
WORDS = "call 1 0.5 0.4 hello\ncall 1 2.5 0.4 hi\ncall 1 50 0.4 thanks\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "call.rttm").write_text(RTTM)
    (tmp_path / "call.ctm").write_text(WORDS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["transcript", *arguments])


def test_words_and_a_diarization_give_text_on_stdout(folder: Path) -> None:
    result = run("call.ctm", "--diarization", "call.rttm")
    assert result.exit_code == 0
    assert result.stdout == "Ann: hello\nBen: hi\n?: thanks\n"
    assert result.stderr == "note: 1 of 3 words have no speaker: nobody talks near them\n"


def test_the_suffix_or_an_option_selects_the_format(folder: Path) -> None:
    assert {one.value for one in TranscriptFormat} == set(FORMATS)
    assert signature(transcript).parameters["max_distance"].default == 5.0
    assert AssignmentConfig().max_distance_s == 5.0
    for arguments in (["-o", "out.srt", "--every-cue"], ["-o", "out.x", "--format", "podcast"]):
        assert run("call.ctm", "--diarization", "call.rttm", *arguments).exit_code == 0
    assert "Ben: hi" in (folder / "out.srt").read_text()
    assert json.loads((folder / "out.x").read_text())["version"] == "1.0.0"


def test_a_transcript_with_speakers_is_converted_as_it_is(folder: Path) -> None:
    (folder / "call.stm").write_text("call 1 Zoë 0.0 1.5 hello you\n")
    assert run("call.stm").stdout == "Zoë: hello you\n"
    assert run("call.stm", "--diarization", "call.rttm").stdout == "Ann: hello you\n"


@pytest.mark.filterwarnings("ignore::diarspk.errors.SpeechWarning")
def test_words_are_transcribed_and_diarized(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    import soundfile

    noise = np.random.default_rng(0).standard_normal(32000).astype("float32") * 1e-4
    soundfile.write(folder / "call.wav", noise, 16000)
    result = run("call.ctm", "call.wav", "-q")
    assert (result.exit_code, result.stdout) == (0, "?: hello hi thanks\n")
    assert "nobody talks near any of them" in result.stderr
    result = run("call.wav", "--asr", "nothing")
    assert result.exit_code == 1
    assert "nothing: no such folder, and no model of this name" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["call.ctm"], "call.ctm does not say who speaks; give the recording, or --diarization"),
        (["none.ctm", "--diarization", "call.rttm"], "none.ctm: no such file"),
        (["call.ctm", "--diarization", "none.rttm"], "none.rttm: no such file"),
        (["call.ctm", "none.wav"], "none.wav"),
        (["call.rttm", "--diarization", "call.rttm"], "`path` must end in one of .json"),
        (["call.ctm", "--diarization", "call.rttm", "-o", "out.doc"], "must end in one of .json"),
        (["call.ctm", "--diarization", "call.rttm", "-o", "no/out.srt"], "cannot be written"),
        (["call.ctm", "--diarization", "call.rttm", "--every-cue"], "it is for srt, got txt"),
        (["call.ctm", "--diarization", "call.rttm", "--recording", "x"], "holds no recording 'x'"),
    ],
)
def test_a_fault_is_one_line(folder: Path, arguments: list[str], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert sorted(path.name for path in folder.iterdir()) == ["call.ctm", "call.rttm"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["call.ctm", "call.wav", "--diarization", "call.rttm"],
        ["call.ctm", "--diarization", "call.rttm", "--num-speakers", "2"],
        ["call.wav", "call.wav", "--asr", "x"],
        ["call.ctm", "--gallery", "people"],
        ["call.ctm", "--format", "docx"],
    ],
)
def test_a_wrong_command_line_is_a_usage_error(folder: Path, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2
