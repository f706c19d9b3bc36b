"""``diarspk extract --live``, and the causal extractor in ``diarspk extract``."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from diarspk.cli import app, live_sources
from diarspk.errors import SpeechWarning
from tests.tse.test_extraction import RATE, unfit, voice, write_small
from tse.detection import STEP_S
from tse.extraction import extract
from tse.live_detection import LiveDetection
from tse.live_output import draw
from tse.loading import load_extractor

pytestmark = unfit

SPECIFICATION = importlib.util.find_spec("pyannote.audio")
assert SPECIFICATION and SPECIFICATION.origin
SAMPLE = Path(SPECIFICATION.origin).parent / "sample" / "sample.wav"
"""Half a minute of telephone speech of two people."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_small(tmp_path, causal=True)
    soundfile.write(tmp_path / "call.wav", voice(1.5), RATE)
    soundfile.write(tmp_path / "me.wav", voice(1.0, 1), RATE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    words = ["extract", *arguments, "--enroll", "me.wav", "--extractor", "small.json"]
    return CliRunner().invoke(app, words, input=stdin)


def samples_of(file: str) -> bytes:
    return bytes(soundfile.read(file, dtype="int16")[0].astype("<i2").tobytes())


def test_a_file_is_extracted_live_as_it_is_offline(folder: Path) -> None:
    live = run("call.wav", "--live", "--speed", "full", "-o", "live.wav")
    assert live.exit_code == 0, live.output
    whole = run("call.wav", "-o", "whole.wav")
    assert whole.exit_code == 0, whole.output
    found, expected = (soundfile.read(name)[0] for name in ("live.wav", "whole.wav"))
    np.testing.assert_allclose(found, expected, atol=1e-4)  # 16 bits
    extractor = load_extractor(folder / "small.json")
    once = extract("call.wav", enrolment="me.wav", extractor=extractor)
    np.testing.assert_allclose(found, once, atol=1e-4)


def test_a_pipe_goes_to_stdout_at_its_own_rate(folder: Path) -> None:
    stream = ("-", "--live", "--rate", "8000", "--format", "s16le", "--latency", "0.1")
    result = run(*stream, "-o", "-", stdin=samples_of("call.wav"))
    assert result.exit_code == 0, result.output
    found = np.frombuffer(result.stdout_bytes, "<i2")
    assert len(found) == 24000 and found.any()
    filed = run(*stream, "-o", "live.flac", stdin=samples_of("call.wav"))
    assert filed.exit_code == 0
    stored, rate = soundfile.read("live.flac", dtype="int16")
    assert rate == 8000
    np.testing.assert_allclose(stored, found, atol=1)


def test_a_recording_on_stdin_is_extracted(folder: Path) -> None:
    result = run("-", "-o", "x.wav", stdin=(folder / "call.wav").read_bytes())
    assert result.exit_code == 0, result.output
    assert soundfile.info("x.wav").frames == 24000


def test_ctrl_c_finishes_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pieces(self: object) -> object:
        yield voice(1.0)
        raise KeyboardInterrupt

    monkeypatch.setattr(live_sources.Microphone, "pieces", pieces)
    result = run("--live", "-o", "live.wav")
    assert result.exit_code == 0, result.output
    assert "stopped" in result.stderr
    assert soundfile.info("live.wav").frames == RATE


def test_a_fault_of_the_source_is_told_and_what_came_is_kept(folder: Path) -> None:
    result = run("-", "--live", "-o", "live.wav", stdin=samples_of("call.wav") + b"\0")
    assert result.exit_code == 1
    assert "ends within a sample (1 of 2 bytes)" in result.stderr
    assert soundfile.info("live.wav").frames == 24000


def test_a_fault_before_any_sample_leaves_an_earlier_output_as_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "live.wav").write_bytes(b"of an earlier session")
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    for source, stdin in (((), None), (("-",), (folder / "call.wav").read_bytes())):
        result = run(*source, "--live", "-o", "live.wav", stdin=stdin)
        assert result.exit_code == 1, result.output
        assert (folder / "live.wav").read_bytes() == b"of an earlier session"
    assert "begins as a file does (RIFF" in result.stderr


def test_a_session_without_samples_is_told(folder: Path) -> None:
    with pytest.warns(SpeechWarning, match="stdin: no samples came"):
        run("-", "--live", "-o", "live.wav", stdin=b"")
    assert soundfile.info("live.wav").frames == 0


def test_a_voice_that_is_not_there_is_told(folder: Path) -> None:
    with pytest.warns(
        SpeechWarning, match=r"^stdin: the enrolled voice was never there .*0\.00\)$"
    ):
        run("-", "--live", "-o", "live.wav", stdin=bytes(2 * RATE))


def test_when_the_voice_talks_is_told_in_json_lines(folder: Path) -> None:
    call, rate = soundfile.read(SAMPLE)
    soundfile.write("call.wav", call[18 * rate : 21 * rate], rate)
    soundfile.write("me.wav", call[round(21.8 * rate) : round(27.8 * rate)], rate)
    result = run("call.wav", "--live", "--speed", "full", "-o", "live.wav", "--json-lines")
    assert result.exit_code == 0, result.output
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert sum(len(one["probabilities"]) for one in told) == math.ceil(3 / STEP_S)
    starts = [one["start"] for one in told]
    assert starts[0] == 0 and starts[1:] == [one["time"] for one in told[:-1]]
    presence = [one["presence"] for one in told]
    assert presence == sorted(presence)  # it never falls
    assert f"probability {presence[-1]:.2f}" in result.stderr
    samples = run("call.wav", "--live", "--speed", "full", "-o", "-")
    assert len(samples.stdout_bytes) == 2 * 3 * RATE  # and no JSON between them


def test_a_mask_leaves_in_the_rest_as_offline(folder: Path) -> None:
    soundfile.write("call.wav", voice(0.4), RATE)
    for name, options in (("live.wav", ("--live", "--speed", "full")), ("whole.wav", ())):
        result = run("call.wav", *options, "--mask", "6", "-o", name)
        assert result.exit_code == 0, result.output
    found, expected = (soundfile.read(name)[0] for name in ("live.wav", "whole.wav"))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert run("call.wav", "--live", "--speed", "full", "-o", "bare.wav").exit_code == 0
    call, bare = soundfile.read("call.wav")[0], soundfile.read("bare.wav")[0]
    np.testing.assert_allclose(found, bare + 10 ** (-6 / 20) * (call - bare), atol=1e-4)


def test_a_timeline_is_as_high_as_the_voice_is_likely() -> None:
    told = LiveDetection(28.8, np.ones(3, np.float32), 1.0, 0.97, 3.14)
    line = draw("me", [0.0] * 6 + [0.5] * 6 + [1.0] * 3, told)
    assert line == f"me  ▄█{'':{33}} 3.1 s of 29.0 s, probability 0.97"


def test_an_extractor_that_looks_ahead_is_refused(folder: Path) -> None:
    write_small(folder)
    result = run("call.wav", "--live", "-o", "live.wav")
    assert result.exit_code == 1
    assert "must be causal" in result.stderr and "band-split-causal" in result.stderr
    assert not (folder / "live.wav").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["-o", "x.wav"], 2, "give a recording, or --live"),
        (["call.wav", "--speed", "full", "-o", "x.wav"], 2, "--speed goes with --live"),
        (["call.wav", "--live", "--all", "-o", "x.wav"], 2, "--all does not go with --live"),
        (["call.wav", "--live", "--jobs", "2", "-o", "x.wav"], 2, "--jobs does not go"),
        (["call.wav", "--json-lines", "-o", "x.wav"], 2, "--json-lines goes with --live"),
        (["call.wav", "--live", "--json-lines", "-o", "-"], 2, "--json-lines needs stdout"),
        (["call.wav", "--live", "--mask", "-1", "-o", "x.wav"], 2, "--mask"),
        (["call.wav", "--live", "-o", "x.mp3"], 2, "must end in .wav"),
        (["call.wav", "call.wav", "--live", "-o", "x.wav"], 2, "one recording, got 2"),
        (["call.wav", "--live", "--microphone", "1", "-o", "x.wav"], 2, "without a file"),
        (["call.wav", "--live", "--latency", "0.01", "-o", "x.wav"], 1, "latency_s"),
        (["missing.wav", "--live", "-o", "x.wav"], 1, "missing.wav"),
        (["call.wav", "--live", "-o", "call.wav"], 1, "must not be the recording"),
        (["call.wav", "--live", "-o", "me.wav"], 1, "must not be an enrolment"),
        (["call.wav", "-o", "me.wav"], 1, "must not be an enrolment"),
        (["call.wav", "--live", "-o", "folder.wav"], 1, "folder.wav: Is a directory"),
        (["call.wav", "--live", "-o", "me.wav/x.wav"], 1, "me.wav: must be a folder"),
        (["call.wav", "--live", "--rate", "8000", "-o", "x.wav"], 2, "--rate does not go with a"),
        (["-", "--live", "--speed", "full", "-o", "x.wav"], 2, "--speed does not go with samples"),
        (["--live", "--channel", "0", "-o", "x.wav"], 2, "--channel does not go with the micro"),
        (["-", "--live", "--enroll", "-", "-o", "x.wav"], 2, "can be read once only"),
    ],
)
def test_wrong_input_is_told_on_one_line(
    folder: Path, arguments: list[str], status: int, told: str
) -> None:
    (folder / "folder.wav").mkdir()
    enrolment = (folder / "me.wav").read_bytes()
    result = run(*arguments)
    assert result.exit_code == status, result.output
    assert (folder / "me.wav").read_bytes() == enrolment
    assert told in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.output
    assert not (folder / "x.wav").exists()


def test_live_needs_an_enrolment(folder: Path) -> None:
    result = CliRunner().invoke(app, ["extract", "call.wav", "--live", "-o", "x.wav"])
    assert result.exit_code == 2
    assert "--live needs --enroll" in result.stderr
