"""Throughput of many recordings, with commands that only write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from eval.speed import batch
from eval.speed.batch import Throughput, sizing_table, throughput_table, write_pieces


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    for name, level in [("a", 0.25), ("b", 0.5)]:
        soundfile.write(folder / f"{name}.wav", np.full(48000, level), 16000)
    return folder


def test_pieces_come_from_all_recordings_in_turn(folder: Path, tmp_path: Path) -> None:
    assert write_pieces(folder, 3, 2.0, tmp_path / "pieces") == 6.0
    levels = [soundfile.read(file)[0].mean() for file in sorted((tmp_path / "pieces").iterdir())]
    assert levels == pytest.approx([0.25, 0.5, 0.25], abs=1e-4)


@pytest.mark.parametrize("same", [True, False])
def test_every_way_is_compared_with_the_first(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    same: bool,
) -> None:
    def run(recordings: Path, output: Path, commands: Sequence[batch.Words]) -> float:
        output.mkdir()
        for file in recordings.iterdir():
            text = "turns" if same or ("--ray", "local", "--jobs", "2") not in commands else "else"
            (output / f"{file.stem}.rttm").write_text(text)
        return 2.0 / len(commands)

    monkeypatch.setattr(batch, "_run", run)
    report = tmp_path / "report.json"
    words = ["--data", str(folder), "--files", "4", "--seconds", "1", "--json", str(report)]
    assert batch.main(words) == (0 if same else 1)
    results = json.loads(report.read_text())["results"]
    assert [one["identical"] for one in results] == [True, True, True, same]
    assert "| two shards at once" in capsys.readouterr().out


def test_tables_are_right_by_hand() -> None:
    ways = [Throughput("one", 10.0, 1000.0, True), Throughput("two", 5.0, 1000.0, False)]
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in throughput_table(ways).splitlines()
    ]
    assert rows[2:] == [["one", "10.0", "100", "1.00", "yes"], ["two", "5.0", "200", "2.00", "NO"]]
    last = [cell.strip() for cell in sizing_table(100.0).splitlines()[-1].split("|")[1:-1]]
    assert last == ["1,000,000", "10,000", "156.2", "10.0"]
