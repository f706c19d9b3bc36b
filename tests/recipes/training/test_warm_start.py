"""Checkpoints of trainings that a recipe is given: whatever the file holds is told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from diarspk.errors import ModelError
from recipes.embedded.export_head import HEADS, read_head
from recipes.embedded.trunk.export import read_network, read_segmentation_head
from recipes.training.warm_start import read_training_state

STATE = {"state_dict": {"weight": torch.zeros(2)}, "hyper_parameters": {"train": {}}}


@pytest.mark.parametrize(
    ("content", "fault"),
    [(STATE["state_dict"], "holds no state_dict"), (STATE, "settings have no network")],
)
def test_what_is_no_checkpoint_of_the_training_is_named(
    content: dict[str, object], fault: str, tmp_path: Path
) -> None:
    path = tmp_path / "other.ckpt"
    torch.save(content, path)
    with pytest.raises(ModelError, match=rf"other\.ckpt: .*{fault}"):
        read_training_state(path, "network")


def test_every_reader_of_the_embedded_recipe_refuses_another_training(tmp_path: Path) -> None:
    path = tmp_path / "other.ckpt"
    torch.save(STATE, path)
    for read in (read_network, read_segmentation_head, lambda one: read_head(one, HEADS["frame"])):
        with pytest.raises(ModelError, match=r"other\.ckpt: is of another training"):
            read(path)
    path.write_bytes(b"RIFF")
    with pytest.raises(ModelError, match=r"other\.ckpt: cannot be read"):
        read_network(path)


def test_the_checkpoint_of_the_training_is_read(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "own.ckpt")
    assert torch.equal(
        read_training_state(tmp_path / "own.ckpt", "train")["state_dict"]["weight"], torch.zeros(2)
    )
