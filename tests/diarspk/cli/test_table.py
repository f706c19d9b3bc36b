"""Plain aligned tables."""

from __future__ import annotations

import doctest

from diarspk.cli import table


def test_docstring_example() -> None:
    results = doctest.testmod(table)
    assert results.attempted > 0
    assert results.failed == 0


def test_a_table_without_rows_is_its_header() -> None:
    assert table.aligned(["file", "DER"], []) == "file  DER"


def test_characters_that_take_two_columns_count_as_two() -> None:
    lines = table.aligned(["file", "DER"], [["会議", "9.5"], ["call", "12.25"]]).splitlines()
    assert lines[1:] == ["会議    9.5", "call  12.25"]
