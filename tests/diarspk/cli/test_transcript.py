"""``diarspk transcript``."""

from __future__ import annotations

import json
from argparse import Namespace
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pyannote.core import Annotation, Segment
from typer.testing import CliRunner, Result

from diarspk.cli import app
from diarspk.cli.diarization_work import Models
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


@pytest.fixture
def many(folder: Path) -> Path:
    """Words as whisper writes them, and diarizations, of two recordings in folders."""
    for name in ("rttm", "words"):
        (folder / name).mkdir()
    for name, who in (("one", "Ann"), ("two", "Ben")):
        turn = f"SPEAKER {name} 1 0 9 <NA> <NA> {who} <NA> <NA>\n"
        (folder / "rttm" / f"{name}.rttm").write_text(turn)
        words = {"segments": [{"start": 1.0, "end": 2.0, "text": f" {name}"}]}
        (folder / "words" / f"{name}.json").write_text(json.dumps(words))
        (folder / "words" / f"{name}.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nother\n")
    (folder / "words" / "one.txt").write_text("one")
    return folder


def test_a_folder_of_words_becomes_a_folder_of_transcripts(many: Path) -> None:
    (many / "words" / "lost.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nhi\n")
    words = ["words", "--diarization", "rttm", "-o", "out", "--format", "srt", "--resume"]
    result = run(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "rttm: has no diarization of lost; it must be called lost.rttm or .json" in result.stderr
    found = {path.name: path.read_text() for path in (many / "out").glob("*.srt")}
    assert found.keys() == {"one.srt", "two.srt"}
    assert "Ann: one" in found["one.srt"] and "Ben: two" in found["two.srt"]
    (many / "rttm" / "one.rttm").write_text("SPEAKER one 1 0 9 <NA> <NA> Eve <NA> <NA>\n")
    again = run(*words)
    assert "note: 1 of 3 recordings were done before" in again.stderr
    assert "Eve: one" in (many / "out" / "one.srt").read_text()
    listed = run("words/one.json", "words/two.json", "--diarization", "rttm", "-o", "files")
    assert listed.exit_code == 0
    assert sorted(path.name for path in (many / "files").iterdir()) == [
        *("one.txt", "report.csv", "two.txt"),
    ]


def test_words_are_found_by_the_names_of_recordings(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "six"):
        soundfile.write(f"{name}.wav", np.zeros(16000), 16000)
    (many / "words" / "two.json").rename(many / "words" / "two.wav.json")  # as whisper.cpp does
    (many / "words" / "two.srt").unlink()
    Path("list.txt").write_text("one.wav\ntwo.wav\nsix.wav\ngone.wav\n")
    call = Annotation(uri="call")
    call[Segment(0, 9)] = "Eve"
    live = Namespace(annotation=call, duration=1.0)
    monkeypatch.setattr(Models, "load", lambda self: lambda stream, **options: live)
    result = run("words", "list.txt", "-o", "out")
    assert result.exit_code == 1
    assert (
        result.stderr.count("has no transcript of six; it must be called six.json, .openai.json, ")
        == 1
    )
    assert (many / "out" / "one.txt").read_text() == "Eve: one\n"
    assert (many / "out" / "two.txt").read_text() == "Eve: two\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["words"], "need -o DIR"),
        (["words", "-o", "call.ctm"], "must be a folder"),
        (["words", "-o", "out.srt"], "must be a folder"),
        (["words", "-o", "out", "--recording", "one"], "--recording is for one"),
        (["rttm", "-o", "out"], "the folder rttm holds no transcript"),
        (["call.ctm", "-o", "out.srt", "--shard", "3/2"], "INDEX/OF"),
    ],
)
def test_several_recordings_need_a_folder(many: Path, arguments: list[str], told: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in " ".join(result.stderr.replace("│", " ").split())
