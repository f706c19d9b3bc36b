from __future__ import annotations

import doctest
import json
import math
from pathlib import Path

import numpy
import pytest

from diarspk.errors import ArgumentError
from eval.report import cells, markdown
from eval.report.markdown import markdown_table
from eval.report.run_record import damaged_settings, describe_run, finished_runs, write_json


def test_examples_of_tables() -> None:
    assert doctest.testmod(markdown).failed == 0
    assert doctest.testmod(cells).failed == 0


def test_what_is_not_known_is_a_dash() -> None:
    assert cells.number_cell(None) == cells.percent_cell(None) == cells.UNKNOWN
    assert cells.interval_cell(0.5, math.nan, math.nan) == "0.50 [-, -]"


def test_a_table_without_rows_is_its_header() -> None:
    assert markdown_table(["set", "DER %"], []) == "| set | DER % |\n|:----|:------|"


def test_cells_of_wide_characters_are_aligned_and_pipes_stay_in_their_cell() -> None:
    lines = markdown_table(["set", "DER %"], [["会議", "9.5"], ["a|b", "12.25"]]).splitlines()
    assert lines[2:] == ["| 会議 |   9.5 |", r"| a\|b | 12.25 |"]


def test_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError):
        markdown_table(["a", "b"], [["1"]])


def test_run_names_machine_and_versions() -> None:
    run = describe_run()
    assert run["versions"]["numpy"] == numpy.__version__
    assert run["machine"]["cores"] >= 1
    assert run["date"].endswith("+00:00")


def test_report_replaces_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    for figure in (1.0, 2.0):
        write_json({"figure": figure}, target)
    assert json.loads(target.read_text()) == {"figure": 2.0}
    assert list(tmp_path.iterdir()) == [target]


def test_runs_without_a_report_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done, other = tmp_path / "done", tmp_path / "other"
    done.mkdir()
    (done / "report.json").write_text("{}")
    assert finished_runs([other, done], "report.json") == [done]
    assert f"{other}: has no report.json, so it is left out" in capsys.readouterr().err
    with pytest.raises(ArgumentError, match="must be folders of finished runs"):
        finished_runs([other], "report.json")


def test_settings_of_another_recipe_are_refused_by_their_file(tmp_path: Path) -> None:
    for error in (TypeError("no 'steps'"), KeyError("train"), ValueError("Expecting value")):
        with (
            pytest.raises(ArgumentError, match=r"settings\.json: is damaged, or of another recipe"),
            damaged_settings(tmp_path / "settings.json"),
        ):
            raise error
    with pytest.raises(OSError, match="gone"), damaged_settings(tmp_path):
        raise OSError("gone")
