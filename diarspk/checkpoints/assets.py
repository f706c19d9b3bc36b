"""Assets: the models that are installed with a package."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

__all__ = ["asset_folder"]


@cache
def asset_folder(package: str = "diarspk") -> Path:
    """Folder of a package's weights, calibrations and PLDA models; it need not exist."""
    return Path(str(files(package) / "assets"))
