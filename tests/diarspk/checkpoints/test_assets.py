"""Files of the models that come with the packages."""

from pathlib import Path

import diarspk
import tse
from diarspk.checkpoints.assets import asset_folder
from diarspk.encoders.loading import DEFAULT

PACKAGES = ("diarspk", "tse")


def test_assets_lie_beside_the_modules() -> None:
    assert asset_folder() == Path(diarspk.__file__).parent / "assets"
    assert asset_folder("tse") == Path(tse.__file__).parent / "assets"
    assert (asset_folder() / f"{DEFAULT}.json").is_file()


def test_assets_are_small() -> None:
    files = [file for name in PACKAGES for file in asset_folder(name).rglob("*") if file.is_file()]
    assert {file.suffix for file in files} <= {".safetensors", ".json", ".md"}
    assert sum(file.suffix == ".safetensors" for file in files) >= 5
    assert sum(file.stat().st_size for file in files) <= 40e6


def test_every_weight_file_has_a_card() -> None:
    for name in PACKAGES:
        for file in asset_folder(name).rglob("*.safetensors"):
            assert file.with_suffix(".json").is_file(), file
