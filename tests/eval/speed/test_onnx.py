"""Benchmark of the inference engines."""

from __future__ import annotations

import pytest

from eval.speed import onnx as benchmark
from tests.diarspk.encoders.onnx.test_runtime import zoo_encoder

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def test_the_benchmark_states_a_ratio(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(benchmark, "find_encoder", lambda name: zoo_encoder(name))
    arguments = ["--encoders", "resnet", "--seconds", "1", "--repeats", "1"]
    benchmark.main([*arguments, "--json", str(tmp_path / "speed.json")])
    assert "torch / onnx" in capsys.readouterr().out
    assert (tmp_path / "speed.json").is_file()
    assert benchmark.EngineSpeed("a", 0.4, 0.1, 0.0).ratio == pytest.approx(4.0)
