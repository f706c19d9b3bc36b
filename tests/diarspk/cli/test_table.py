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
