"""Assets: the models that are installed with a package, and what was adopted on this machine."""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files
from pathlib import Path

__all__ = ["EMBEDDED", "adopted_folder", "asset_folder", "find_asset", "model_store"]

EMBEDDED = "embedded"
"""Name of the diarizer whose models are part of the package."""

VARIABLE = "DIARSPK_MODELS"


@cache
def asset_folder(package: str = "diarspk") -> Path:
    """Folder of a package's weights, calibrations and PLDA models; it need not exist."""
    return Path(str(files(package) / "assets"))


def model_store() -> Path:
    """Folder of downloaded models; it need not exist.

    ``DIARSPK_MODELS`` where that is set, and otherwise ``diarspk/models`` in the user's folder for
    caches (``XDG_CACHE_HOME``, or ``~/.cache``).
    """
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen).expanduser()
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "diarspk" / "models"


def adopted_folder() -> Path:
    """Folder of what ``python -m recipes.adopt`` has fitted on this machine; it need not exist."""
    return model_store() / "adopted"


def find_asset(kind: str, fingerprint: str) -> Path | None:
    """Find what belongs to an embedding space: fitted here, or else installed; None without.

    Parameters
    ----------
    kind
        Name of the folder: "plda", "calibration", ...
    fingerprint
        Of the encoder.
    """
    for folder in (adopted_folder(), asset_folder()):
        card = folder / kind / f"{fingerprint}.json"
        if card.is_file():
            return card
    return None
