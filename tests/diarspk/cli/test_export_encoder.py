"""``diarspk export-encoder``, and ``embed`` with what it wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from diarspk.cli import app
from tests.diarspk.encoders.local.test_encoder import noise

RATE = 16000

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def test_an_exported_encoder_embeds_the_same(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(2.0), RATE)
    graph, audio = tmp_path / "new" / "local.onnx", str(tmp_path / "a.wav")
    done = CliRunner().invoke(app, ["export-encoder", "-o", str(graph)])
    assert (done.exit_code, done.stdout) == (0, "")
    vectors = []
    for options in ([], ["--engine", "onnx"], ["--encoder", str(graph)]):
        printed = CliRunner().invoke(app, ["embed", audio, *options]).stdout
        vectors.append(np.array(printed.split("\t")[3].split(), float))
    np.testing.assert_allclose(vectors[1], vectors[0], atol=1e-4)
    np.testing.assert_allclose(vectors[2], vectors[0], atol=1e-4)
    assert CliRunner().invoke(app, ["export-encoder", "-o", "encoder.pt"]).exit_code == 2
    failed = CliRunner().invoke(app, ["embed", audio, "--engine", "tensorrt"])
    assert failed.exit_code == 1
    assert "`engine` must be one of" in failed.stderr
