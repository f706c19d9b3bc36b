"""Checkpoints of heads that belong to one encoder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from diarspk.checkpoints import heads
from diarspk.checkpoints.heads import HeadFormat
from diarspk.errors import ModelError


@dataclass(frozen=True)
class Config:
    width: int = 3


class Head(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.affine = nn.Linear(config.width, 1)


FORMAT = HeadFormat("toys", "toy head", lambda **sizes: Head(Config(**sizes)), "recipes.toys")


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "toys" / "abc.json"
    path.parent.mkdir()
    FORMAT.write(path, Head(Config(5)), encoder="abc", card={"recipe": "recipes.toys"})
    return path


def test_a_head_is_read_frozen_and_at_its_dimensions(card: Path) -> None:
    head = FORMAT.read(card, "abc")
    assert head.config == Config(5)
    assert not head.training
    assert not any(parameter.requires_grad for parameter in head.parameters())


def test_the_head_of_another_encoder_is_refused(card: Path) -> None:
    with pytest.raises(ModelError, match=r"belongs to the encoder abc, not to def.*recipes\.toys"):
        FORMAT.read(card, "def")


def test_a_head_of_another_kind_is_refused(card: Path) -> None:
    other = HeadFormat("games", "game head", FORMAT.build, "recipes.games")
    with pytest.raises(ModelError, match="no section 'games'; it is no game head"):
        other.read(card, "abc")


def test_dimensions_that_do_not_fit_the_tensors_are_refused(card: Path) -> None:
    text = card.read_text()
    card.write_text(text.replace('"width": 5', '"width": 6'))
    with pytest.raises(ModelError, match="the card does not fit the tensors"):
        FORMAT.read(card, "abc")


def test_an_asset_is_found_by_its_encoder(card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "asset_folder", lambda: card.parent.parent)
    found = FORMAT.load_asset("abc")
    assert found is not None
    torch.testing.assert_close(found.affine.weight, FORMAT.read(card, "abc").affine.weight)
    assert FORMAT.load_asset("unknown") is None
