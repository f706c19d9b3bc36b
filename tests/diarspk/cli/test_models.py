"""``diarspk models``: the catalogue, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

from typer.testing import Result

from diarspk.encoders.loading import DEFAULT
from diarspk.models import available_models

Run = Callable[..., Result]


def test_a_table_has_a_row_for_each(run: Run) -> None:
    result = run("models")
    assert (result.exit_code, result.stderr) == (0, "")
    header, *rows = result.stdout.splitlines()
    assert header.split()[:2] == ["name", "kind"]
    cards = available_models()
    assert [row.split()[0] for row in rows] == [card.name for card in cards]
    (embedded,) = (card for card in cards if card.name == DEFAULT)
    row = next(row.split() for row in rows if row.startswith(f"{DEFAULT} "))
    figures = [f"{embedded.parameters:,}", f"{embedded.dimension}"]
    assert row[1:5] == ["embedded", "diarization", *figures]
    assert embedded.fingerprint in row


def test_download_tells_of_an_unknown_name_on_one_line(run: Run) -> None:
    result = run("models", "download", "resnet-99")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: `name` must be a model of the catalogue")
    assert len(result.stderr.splitlines()) == 1


def test_json_holds_every_field(run: Run) -> None:
    listed = json.loads(run("models", "--json").stdout)
    assert listed == [asdict(card) for card in available_models()]
