"""``diarspk stream``."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import typer
from pyannote.core import Segment
from typer.testing import CliRunner, Result

from diarspk.cli import live_sources
from diarspk.cli.live_output import Timeline
from diarspk.cli.live_sources import Microphone, PipeSource, SampleFormat
from diarspk.cli.stream import stream
from diarspk.errors import ArgumentError, AudioError
from diarspk.formats import read_rttm
from diarspk.streaming import LiveTurn, SpeakerEvent, Update
from tests.tiny_model import tone, write_tiny_model

app = typer.Typer()
app.command()(stream)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_tiny_model(tmp_path)
    soundfile.write(tmp_path / "call.wav", tone("ann"), 16000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    words = [*arguments, "--encoder", "tiny.json"]
    return CliRunner().invoke(app, words, input=stdin)


def turns(lines: str) -> list[dict[str, object]]:
    return [turn for line in lines.splitlines() for turn in json.loads(line)["final"]]


def test_a_file_gives_json_lines_and_a_result(folder: Path) -> None:
    result = run("call.wav", "--speed", "full", "-o", "call.rttm")
    assert result.exit_code == 0, result.output
    found = turns(result.stdout)
    assert found[0]["start"] == 0.0 and found[-1]["end"] == 3.0
    (annotation,) = read_rttm(folder / "call.rttm").values()
    assert annotation.uri == "call"
    assert set(annotation.labels()) == {turn["speaker"] for turn in found}
    assert annotation.get_timeline().extent() == Segment(0.0, 3.0)


def test_a_pipe_gives_the_same_as_the_file(folder: Path) -> None:
    samples = (tone("ann") * 32767).astype("<i2")
    soundfile.write("same.wav", samples, 16000)
    piped = run("-", "--rate", "16000", "--format", "s16le", stdin=samples.tobytes())
    filed = run("same.wav", "--speed", "full")
    assert piped.exit_code == filed.exit_code == 0, piped.output
    assert piped.stdout == filed.stdout


def test_channels_of_a_pipe_are_interleaved(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.array([[0.25, -0.5], [0.5, 1.0], [0.75, 0.0]], ">f4")  # (time, channels)
    stdin = SimpleNamespace(buffer=io.BytesIO(samples.tobytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    pieces = list(PipeSource(SampleFormat.F32BE, 10, 2).pieces())
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), samples.T)


def test_a_pipe_that_ends_within_a_sample_is_told_and_the_result_is_written(folder: Path) -> None:
    samples = (tone("ann") * 32767).astype("<i2").tobytes()
    result = run("-", "-o", "piped.rttm", stdin=samples + b"\0")
    assert result.exit_code == 1
    assert "ends within a sample (1 of 2 bytes)" in result.stderr
    (annotation,) = read_rttm(folder / "piped.rttm").values()
    assert annotation.uri == "stdin"
    assert annotation.get_timeline().extent() == Segment(0.0, 3.0)


def test_ctrl_c_finishes_and_writes_the_result(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pieces(self: object) -> object:
        yield tone("ann")
        raise KeyboardInterrupt

    monkeypatch.setattr(live_sources.FileSource, "pieces", pieces)
    result = run("call.wav", "-o", "call.json")
    assert result.exit_code == 0
    assert "stopped" in result.stderr
    assert json.loads((folder / "call.json").read_text())


def test_nothing_is_told_when_the_reader_has_gone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pieces(self: object) -> object:
        yield np.zeros(16000, np.float32)
        raise SystemExit(141)

    monkeypatch.setattr(live_sources.FileSource, "pieces", pieces)
    result = run("call.wav")
    assert (result.exit_code, result.stderr) == (141, "")


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["call.wav", "-o", "call.xyz"], 2, "must end in one of"),
        (["call.wav", "-o", "missing/call.rttm"], 1, "no such folder"),
        (["missing.wav"], 1, "missing.wav"),
        (["call.wav", "--latency", "0.1"], 2, "--latency"),
        (["call.wav", "--microphone", "0"], 2, "without a file"),
        (["call.wav", "--gallery", "missing"], 1, "missing"),
        (["call.wav", "-o", "folder.rttm"], 1, "folder.rttm: Is a directory"),
        (["call.wav", "--format", "u8"], 2, "--format does not go with a file"),
        (["-", "--speed", "full"], 2, "--speed does not go with samples on stdin"),
        (["-", "--track", "1"], 2, "--track does not go with samples on stdin"),
        (["--rate", "8000"], 2, "--rate does not go with the microphone"),
    ],
)
def test_wrong_input_is_told_on_one_line(
    folder: Path, arguments: list[str], status: int, told: str
) -> None:
    (folder / "folder.rttm").mkdir()
    result = run(*arguments)
    assert result.exit_code == status
    assert told in " ".join(result.stderr.replace("│", " ").split())
    assert not result.stdout
    assert "Traceback" not in result.output


def test_without_sounddevice_the_microphone_tells_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ArgumentError, match=r"diarspk\[live\]"):
        next(Microphone().pieces())


def test_the_microphone_gives_what_it_records(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream:
        def __init__(self, callback, blocksize, **settings):
            self.callback, self.blocksize = callback, blocksize
            assert settings["samplerate"] == 16000 and settings["device"] == 3

        def __enter__(self):
            for number in range(3):
                self.callback(np.full((self.blocksize, 1), number, "f4"), 0, None, None)

        def __exit__(self, *error):
            pass

    fake = SimpleNamespace(InputStream=Stream, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    pieces = Microphone("3").pieces()
    assert [float(next(pieces)[0]) for _ in range(3)] == [0.0, 1.0, 2.0]


def test_a_microphone_that_is_not_read_in_time_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stream:
        def __init__(self, callback, **settings):
            self.callback = callback

        def __enter__(self):
            for _ in range(3):
                self.callback(np.zeros((4, 1), "f4"), 0, None, None)

        def __exit__(self, *error):
            pass

    monkeypatch.setattr(live_sources, "MAX_QUEUED_PIECES", 2)
    fake = SimpleNamespace(InputStream=Stream, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    with pytest.raises(AudioError, match="too slow"):
        list(Microphone().pieces())


def test_the_timeline_has_a_row_for_each_person() -> None:
    from rich.console import Console

    shown = []
    timeline = Timeline(SimpleNamespace(update=shown.append))
    first = LiveTurn(0.0, 10.0, "SPEAKER_00")
    other = LiveTurn(10.0, 15.0, "SPEAKER_01")
    maybe = LiveTurn(15.0, 20.0, "SPEAKER_02")
    timeline.show(Update(20.0, 15.0, (first, other), (maybe,)))
    merged = SpeakerEvent("merged", 21.0, "SPEAKER_01", "SPEAKER_00")
    timeline.show(Update(21.0, 20.0, (), (), (merged,)))
    console = Console(file=io.StringIO(), width=120, color_system=None)
    console.print(shown[0])
    console.print(shown[1])
    rows = console.file.getvalue().splitlines()
    assert rows[0].split() == ["SPEAKER_00", "█" * 20, "10", "s"]
    assert rows[1].split() == ["SPEAKER_01", "█" * 10, "5", "s"]
    assert rows[2].split() == ["SPEAKER_02", "░" * 10, "0", "s"]
    assert rows[4].split() == ["SPEAKER_00", "█" * 30, "15", "s"]


def test_whatever_ends_it_all_that_came_is_told_and_written(folder: Path) -> None:
    samples = (tone("ann") * 32767).astype("<i2").tobytes()
    result = run("-", "-o", "odd.rttm", stdin=samples + b"x")
    assert result.exit_code == 1
    assert "ends within a sample (1 of 2 bytes)" in result.stderr
    assert turns(result.stdout)[-1]["end"] == 3.0
    (annotation,) = read_rttm(folder / "odd.rttm").values()
    assert annotation.get_timeline().extent().end == 3.0


FILES = {"wav": "RIFF", "flac": "fLaC", "ogg": "OggS", "aiff": "FORM", "caf": "caff"}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_in_the_pipe_is_not_taken_for_samples(folder: Path, kind: str) -> None:
    soundfile.write(f"call.{kind}", tone("ann"), 16000)
    (folder / "old.rttm").write_text("kept\n")
    result = run("-", "-o", "old.rttm", stdin=(folder / f"call.{kind}").read_bytes())
    assert result.exit_code == 1
    assert f"stdin: begins as a file does ({FILES[kind]}" in result.stderr
    assert len(result.stderr.splitlines()) == 1 and not result.stdout
    assert (folder / "old.rttm").read_text() == "kept\n"


def test_a_faulty_sample_ends_it_in_one_line(folder: Path) -> None:
    samples = tone("ann").astype("<f4")
    samples[40_000] = np.nan
    result = run("-", "--format", "f32le", "-o", "nan.rttm", stdin=samples.tobytes())
    assert result.exit_code == 1
    assert "stdin: a sample is NaN" in result.stderr and "at 2.500 s" in result.stderr
    assert "check --format f32le" in result.stderr and len(result.stderr.splitlines()) == 1
    assert 2.0 < turns(result.stdout)[-1]["end"] <= 2.5
