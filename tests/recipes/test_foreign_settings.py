"""A folder of another recipe is no run of this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from diarspk.errors import ArgumentError, FormatError, ModelError
from recipes.embedded.data.shards import training_shards
from recipes.training.warm_start import read_warm_start
from recipes.xvector_distillation import settings as distillation
from recipes.zoo import settings as zoo


@pytest.mark.parametrize("content", ['{"steps": 1500}', "[]", "{", '{"train": {"speed": 1}}'])
def test_its_settings_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / distillation.SETTINGS).write_text(content)
    for read, path in (
        (zoo.read_settings, tmp_path / distillation.SETTINGS),
        (distillation.read_settings, tmp_path),
    ):
        with pytest.raises(ArgumentError, match="is damaged, or of another recipe"):
            read(path)


def test_weights_to_begin_with_are_those_of_a_training(tmp_path: Path) -> None:
    (tmp_path / "last.ckpt").write_bytes(b"RIFF....WAVE")
    with pytest.raises(ModelError, match=r"last\.ckpt: cannot be read as tensors"):
        read_warm_start(tmp_path / "last.ckpt", part="a.", name="b.")


def test_a_folder_without_speech_is_told(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="holds no shard, train-"):
        training_shards(tmp_path)
