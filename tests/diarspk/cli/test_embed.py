"""``diarspk embed`` with a tiny encoder: what it prints is what the encoder gives."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from diarspk import SpeakerEncoder, load_encoder
from tests.tiny_model import tone

RATE = 16000
Embed = Callable[..., Result]


@pytest.fixture
def embed(run: Callable[..., Result], tiny: Path) -> Embed:
    return lambda *words: run("embed", "--encoder", tiny, *words)


@pytest.fixture(scope="module")
def encoder(tiny: Path) -> SpeakerEncoder:
    return load_encoder(tiny)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Six seconds in two channels, a speaker in each."""
    file = tmp_path / "a.wav"
    soundfile.write(file, np.stack([tone("ann", 6.0), tone("ben", 6.0)], axis=1), RATE)
    return file


def vector(line: str) -> list[float]:
    return [float(value) for value in line.split("\t")[3].split()]


def test_a_recording_is_one_line(embed: Embed, recording: Path, encoder: SpeakerEncoder) -> None:
    result = embed(recording)
    assert (result.exit_code, result.stderr) == (0, "")
    (line,) = result.stdout.splitlines()
    assert line.split("\t")[:3] == [str(recording), "0.000", "6.000"]
    np.testing.assert_allclose(vector(line), encoder.embed(recording), atol=1e-6)


def test_spans_are_a_line_each_and_short_ones_warn(
    embed: Embed, recording: Path, encoder: SpeakerEncoder
) -> None:
    result = embed(recording, "--spans", "0:6,1.0:2.5")
    lines = result.stdout.splitlines()
    assert [line.split("\t")[1:3] for line in lines] == [["0.000", "6.000"], ["1.000", "2.500"]]
    spans = encoder.embed(recording, spans=[(0, 6), (1, 2.5)])
    np.testing.assert_allclose([vector(line) for line in lines], spans, atol=1e-6)
    (warning,) = result.stderr.splitlines()
    assert warning.startswith(f"warning: {recording} 1:2.5: has 1.5 s of speech")


def test_json_is_one_object_per_line(
    embed: Embed, recording: Path, encoder: SpeakerEncoder, tiny: Path
) -> None:
    (line,) = embed(recording, "--json").stdout.splitlines()
    found = json.loads(line)
    np.testing.assert_allclose(found.pop("vector"), encoder.embed(recording), atol=1e-6)
    assert found == {
        "file": str(recording),
        "span": [0.0, 6.0],
        "dimension": encoder.dimension,
        "model": str(tiny),
        "fingerprint": encoder.fingerprint,
    }


def test_npz_holds_vectors_and_their_origin(
    embed: Embed, recording: Path, encoder: SpeakerEncoder, tmp_path: Path
) -> None:
    output = tmp_path / "new" / "out.npz"
    result = embed(recording, "--spans", "0:5,1:6", "--channel", "1", "-o", output)
    assert (result.exit_code, result.stdout) == (0, "")
    spans = encoder.embed(recording, spans=[(0, 5), (1, 6)], channel=1)
    with np.load(output) as saved:
        np.testing.assert_allclose(saved["vectors"], spans, atol=1e-6)
        np.testing.assert_array_equal(saved["spans"], [[0, 5], [1, 6]])
        assert saved["files"].tolist() == [str(recording)] * 2
        assert saved["fingerprint"] == encoder.fingerprint
    assert os.listdir(output.parent) == ["out.npz"]


def test_a_failed_file_is_named_and_the_others_are_done(embed: Embed, recording: Path) -> None:
    result = embed("missing.wav", recording)
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 1
    assert len(result.stderr.splitlines()) == 1
    assert "missing.wav" in result.stderr


def test_a_span_beyond_the_end_names_file_and_duration(embed: Embed, recording: Path) -> None:
    result = embed(recording, "--spans", "1:9")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{recording}: the span 1:9" in result.stderr
    assert "6.00 s" in result.stderr


@pytest.mark.parametrize("spans", ["", "1", "2:1", "1:1", "-1:2", "a:b", "1:2:3", "0:inf", "nan:1"])
def test_senseless_spans_are_a_usage_error(embed: Embed, recording: Path, spans: str) -> None:
    result = embed(recording, f"--spans={spans}")
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("options", [["-o", "out.txt"], ["-o", "out.npz", "--json"]])
def test_unclear_output_is_a_usage_error(embed: Embed, recording: Path, options: list[str]) -> None:
    assert embed(recording, *options).exit_code == 2
