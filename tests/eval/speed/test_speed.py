from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from eval.speed import decoding
from eval.speed import measurement as speed
from eval.speed.__main__ import main
from eval.speed.measurement import (
    Measurement,
    format_measurements,
    measure,
    write_long_recording,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    for name, level in [("a", 0.25), ("b", 0.5)]:
        soundfile.write(folder / f"{name}.wav", np.full(16000, level), 16000)
    return folder


def test_long_recording_repeats_the_folder(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "long.flac"
    assert write_long_recording(folder, 2.5, target) == 2.5
    samples, rate = soundfile.read(target)
    assert rate == 16000
    expected = np.repeat([0.25, 0.5, 0.25], [16000, 16000, 8000])
    assert samples == pytest.approx(expected, abs=1e-4)


def test_measures_every_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = "import sys; held = bytearray(80_000_000); print(sys.argv[1])"
    monkeypatch.setattr(speed, "command_of", lambda system: [sys.executable, "-c", script])
    result = measure("fake", tmp_path / "any.wav", 100.0)
    assert result.identical
    assert len(result.seconds) == 2
    assert result.peak_megabytes > 80
    assert result.real_time_factor == max(result.seconds) / 100.0


def test_differing_runs_are_told(
    monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = "import uuid; print(uuid.uuid4())"
    monkeypatch.setattr(speed, "command_of", lambda system: [sys.executable, "-c", script])
    assert main(["--data", str(folder), "--minutes", "0.05", "--systems", "fake"]) == 1
    assert "NO" in capsys.readouterr().out


def test_failing_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(speed, "command_of", lambda system: [sys.executable, "-c", "exit(3)"])
    with pytest.raises(subprocess.CalledProcessError, match="status 3"):
        measure("fake", tmp_path / "any.wav", 1.0)


def test_table_compares_with_the_first() -> None:
    ours = Measurement("diarspk", 3600.0, (50.0, 72.0), 900.0, True)
    peer = Measurement("peer", 3600.0, (144.0, 140.0), 2000.0, False)
    rows = [line.split("|")[1:-1] for line in format_measurements([ours, peer]).splitlines()[2:]]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert cells[0] == ["diarspk", "60", "72.0", "0.0200", "900", "1.0", "yes"]
    assert cells[1] == ["peer", "60", "144.0", "0.0400", "2000", "2.0", "NO"]


def test_every_length_has_its_own_comparison() -> None:
    results = [
        Measurement("diarspk", 60.0, (2.0, 1.0), 100.0, True),
        Measurement("peer", 60.0, (3.0, 4.0), 100.0, True),
        Measurement("diarspk", 3600.0, (10.0, 10.0), 100.0, True),
        Measurement("peer", 3600.0, (50.0, 50.0), 100.0, True),
    ]
    rows = [line.split("|")[1:-1] for line in format_measurements(results).splitlines()[2:]]
    assert [row[5].strip() for row in rows] == ["1.0", "2.0", "1.0", "5.0"]


def test_several_lengths_in_one_run(
    monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = "import soundfile, sys; print(soundfile.info(sys.argv[1]).duration)"
    monkeypatch.setattr(speed, "command_of", lambda system: [sys.executable, "-c", script])
    lengths = ["0.05", "0.1"]
    assert main(["--data", str(folder), "--minutes", *lengths, "--systems", "fake"]) == 0
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[1].strip() for row in rows] == lengths


def test_ours_runs_in_any_precision_and_on_any_device():
    assert speed.command_of("diarspk")[-2:] == ["--precision", "auto"]
    assert speed.command_of("diarspk:single")[-2:] == ["--precision", "single"]
    assert speed.command_of("diarspk:cuda:1")[-2:] == ["--device", "cuda:1"]
    assert speed.command_of("diarspk:silero")[-2:] == ["eval.systems", "diarspk:silero"]


def test_decoding_is_measured_by_format(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    words = ["--data", str(folder), "--minutes", "0.05", "--formats", "m4a", "flac"]
    assert decoding.main([*words, "--json", str(report)]) == 0
    table = capsys.readouterr().out
    results = json.loads(report.read_text())["results"]
    assert [one["format"] for one in results] == ["m4a", "flac"]
    for one in results:
        assert one["duration"] == pytest.approx(3.0, abs=0.05)
        assert one["seconds"] > 0
        assert 10 < one["peak_megabytes"] < 400
        assert f"| {one['format']} " in table
