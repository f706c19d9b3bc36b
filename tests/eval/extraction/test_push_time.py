"""What a push to a live extractor costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.extraction.push_time import main, read_extractor
from tests.tse.test_extraction import write_small


def test_every_length_and_latency_has_its_factors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card, report = write_small(tmp_path, causal=True), tmp_path / "times.json"
    options = ["--pieces", "0.02", "0.1", "--latencies", "0.04", "0.1", "--seconds", "0.2"]
    assert main(["--extractor", str(card), "--json", str(report), *options]) == 0
    found = json.loads(report.read_text())["pushes"]
    assert [(one["latency_s"], one["piece_s"]) for one in found] == [
        (0.04, 0.02),
        (0.04, 0.1),
        (0.1, 0.02),
        (0.1, 0.1),
    ]
    assert all(0 < one["median"] <= one["percentile_95"] for one in found)
    assert "| latency ms |" in capsys.readouterr().out
    quick = [*options[:2], *options[3:4], "0.04", "--seconds", "0.1"]
    assert main(["--extractor", str(card), "--detect", *quick]) == 0


def test_an_untrained_network_has_the_sizes_of_the_embedded_one() -> None:
    extractor = read_extractor("untrained")
    assert extractor.causal
    assert sum(parameter.numel() for parameter in extractor.network.parameters()) == 3_557_774
