from __future__ import annotations

import doctest
import json
from pathlib import Path

import numpy
import pytest

from eval.report import markdown
from eval.report.markdown import markdown_table
from eval.report.run_record import describe_run, write_json


def test_examples_of_tables() -> None:
    assert doctest.testmod(markdown).failed == 0


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
