"""Load on the server beside the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("tyro")

from eval.speed.command_time import CommandTime, mean_time
from eval.speed.server import format_levels, main, write_recordings
from eval.speed.server_load import Level, same
from tests.tiny_model import tone, write_tiny_model


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("ann", "ben"):
        soundfile.write(folder / f"{name}.wav", tone(name, 5.0), 16000)
    return folder


def test_pieces_are_of_one_length_and_as_many_as_asked(data: Path, tmp_path: Path) -> None:
    files = write_recordings(data, tmp_path, 4, 2.0)
    assert [soundfile.info(file).frames for file in files] == [32000] * 4
    assert len({file.read_bytes() for file in files}) == 4
    with pytest.raises(Exception, match="holds 4 pieces of 2 s; 5 are asked"):
        write_recordings(data, tmp_path, 5, 2.0)


def test_turns_are_the_same_but_for_rounding() -> None:
    turns = [(0.0, 1.5), (1.2, 3.0)]
    assert same([(0.001, 1.5), (1.2, 2.999)], turns)
    assert not same([(0.01, 1.5), (1.2, 3.0)], turns)
    assert not same(turns[:1], turns)


def test_the_table_is_in_times_of_the_command_line() -> None:
    level = Level(8, 10, wall_s=20.0, processor_s=30.0, latencies_s=[4.0] * 10, megabytes=800.0)
    level.beside = mean_time([CommandTime(1.0, 3.0), CommandTime(3.0, 5.0)])
    table = format_levels([level]).splitlines()
    cells = [cell.strip() for cell in table[2].strip("|").split("|")]
    assert cells == ["8", "10", "1.00", "0.75", "2.0", "2.0", "0", "0", "800"]


@pytest.mark.slow
def test_nothing_is_lost_under_load(data: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    card = write_tiny_model(tmp_path)
    arguments = ["--data", str(data), "--clients", "1", "6", "--recordings", "2"]
    arguments += ["--requests", "12", "--seconds", "2", "--encoder", str(card)]
    assert main([*arguments, "--json", str(report)]) == 0
    levels = json.loads(report.read_text())["levels"]
    assert [level["clients"] for level in levels] == [1, 6]
    assert [len(level["latencies_s"]) for level in levels] == [12, 12]
    assert [level["lost"] for level in levels] == [0, 0]
    assert np.isfinite([level["wall_s"] for level in levels]).all()
