"""``diarspk models`` over a list of its own."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from types import ModuleType

import pytest
from typer.testing import CliRunner

from diarspk.cli import app


@dataclass(frozen=True)
class Card:
    name: str
    kind: str
    parameters: int
    dimension: int
    frame_hop: float
    source: str
    size_bytes: int
    fingerprint: str


CARDS = [
    Card("local", "embedded", 1_234_567, 192, 0.08, "recipes/one", 4_900_000, "abc123"),
    Card("other", "embedded", 20, 8, 0.01, "recipes/two", 80_000, "def456"),
]


@pytest.fixture(autouse=True)
def _two_models(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("diarspk.models")
    monkeypatch.setattr(module, "available_models", lambda: CARDS, raising=False)
    monkeypatch.setitem(sys.modules, "diarspk.models", module)


def test_a_table_has_a_row_for_each() -> None:
    result = CliRunner().invoke(app, ["models"])
    assert result.exit_code == 0
    header, *rows = result.stdout.splitlines()
    assert header.split()[:2] == ["name", "kind"]
    assert [row.split()[2:] for row in rows] == [
        ["1,234,567", "192", "0.080", "4.9", "abc123", "recipes/one"],
        ["20", "8", "0.010", "0.1", "def456", "recipes/two"],
    ]


def test_json_holds_every_field() -> None:
    result = CliRunner().invoke(app, ["models", "--json"])
    assert [Card(**card) for card in json.loads(result.stdout)] == CARDS
