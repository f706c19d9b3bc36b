"""``diarspk embed`` over an encoder whose vectors tell which samples it was given."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from diarspk.cli import app

SAMPLE_RATE = 16000


class FakeEncoder:
    """The embedding of a span is ``(start, end)``; of a whole recording, ``(0, duration)``."""

    dimension = 2
    fingerprint = "abc123"

    def embed(
        self,
        audio: NDArray[np.float32],
        sample_rate: int | None = None,
        spans: Sequence[tuple[float, float]] | None = None,
    ) -> NDArray[np.float32]:
        assert sample_rate == SAMPLE_RATE
        return np.array((0, len(audio) / SAMPLE_RATE) if spans is None else spans, np.float32)


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    quality = ModuleType("diarspk.features.speech_quality")

    def check_speech(audio: NDArray[np.float32]) -> list[str]:
        return ["under two seconds of speech"] if len(audio) < 2 * SAMPLE_RATE else []

    monkeypatch.setattr(quality, "check_speech", check_speech, raising=False)
    monkeypatch.setitem(sys.modules, "diarspk.features.speech_quality", quality)
    monkeypatch.setattr("diarspk.load_encoder", lambda name: FakeEncoder(), raising=False)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Three seconds of noise in two channels."""
    file = tmp_path / "a.wav"
    samples = np.random.default_rng(0).normal(0, 0.1, (3 * SAMPLE_RATE, 2))
    soundfile.write(file, samples, SAMPLE_RATE)
    return file


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["embed", *map(str, arguments)])


def test_a_recording_is_one_line(recording: Path) -> None:
    result = run(recording)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{recording}\t0.000\t3.000\t0.000000 3.000000\n"


def test_spans_are_a_line_each_and_short_ones_warn(recording: Path) -> None:
    result = run(recording, "--spans", "0:2.5,1.0:2.5")
    assert [line.split("\t")[1:3] for line in result.stdout.splitlines()] == [
        ["0.000", "2.500"],
        ["1.000", "2.500"],
    ]
    assert result.stderr == f"warning: {recording} 1:2.5: under two seconds of speech\n"


def test_json_is_one_object_per_line(recording: Path) -> None:
    (line,) = run(recording, "--json").stdout.splitlines()
    assert json.loads(line) == {
        "file": str(recording),
        "span": [0.0, 3.0],
        "vector": [0.0, 3.0],
        "dimension": 2,
        "model": "local-tdnn",
        "fingerprint": "abc123",
    }


def test_npz_holds_vectors_and_their_origin(recording: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "out.npz"
    result = run(recording, "--spans", "0:2,1:3", "--channel", "1", "-o", output)
    assert (result.exit_code, result.stdout) == (0, "")
    with np.load(output) as saved:
        np.testing.assert_array_equal(saved["vectors"], [[0, 2], [1, 3]])
        np.testing.assert_array_equal(saved["spans"], [[0, 2], [1, 3]])
        assert saved["files"].tolist() == [str(recording)] * 2
        assert saved["fingerprint"] == "abc123"
    assert os.listdir(output.parent) == ["out.npz"]


def test_a_failed_file_is_named_and_the_others_are_done(recording: Path) -> None:
    result = run("missing.wav", recording)
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 1
    assert len(result.stderr.splitlines()) == 1
    assert "missing.wav" in result.stderr


def test_a_span_beyond_the_end_names_file_and_duration(recording: Path) -> None:
    result = run(recording, "--spans", "1:9")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{recording}: the span 1:9" in result.stderr
    assert "3.00 s" in result.stderr


@pytest.mark.parametrize("spans", ["", "1", "2:1", "1:1", "-1:2", "a:b", "1:2:3", "0:inf", "nan:1"])
def test_senseless_spans_are_a_usage_error(recording: Path, spans: str) -> None:
    result = run(recording, f"--spans={spans}")
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("options", [["-o", "out.txt"], ["-o", "out.npz", "--json"]])
def test_unclear_output_is_a_usage_error(recording: Path, options: list[str]) -> None:
    assert run(recording, *options).exit_code == 2
