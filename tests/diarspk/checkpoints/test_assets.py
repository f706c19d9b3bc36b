"""Where the files lie that ship with a package."""

from pathlib import Path

import diarspk
import tse
from diarspk.checkpoints.assets import asset_folder
from diarspk.encoders.loading import DEFAULT


def test_assets_lie_beside_the_modules() -> None:
    assert asset_folder() == Path(diarspk.__file__).parent / "assets"
    assert asset_folder("tse") == Path(tse.__file__).parent / "assets"
    assert (asset_folder() / f"{DEFAULT}.json").is_file()
