"""Embedded encoders of earlier commits, read out of git's history."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diarspk.atomic import atomic_path
from diarspk.errors import ModelError

__all__ = ["FIFTH", "SIXTH", "generations_folder", "read_generation"]

ROOT = Path(__file__).parents[2]
ASSET = "diarspk/assets/local-tdnn"

FIFTH, SIXTH = "4530a9d", "18f69eb"
"""Commits with the embedded encoders before the seventh."""

EARLIER_TRUNK: Mapping[str, Any] = {"front_pairs": [1, 1], "coarse_channels": 0, "profile": False}
"""Settings of trunks that had no name yet when a card was written, and were these."""


def generations_folder() -> Path:
    """Folder of generations in the user's cache folder, whether or not it exists yet."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "diarspk" / "generations"


def read_generation(commit: str, folder: Path | None = None) -> Path:
    """Write the embedded encoder of a commit to a folder, unless it is there; its card's path.

    Parameters
    ----------
    commit : str
    folder : Path, optional
        Default: :func:`generations_folder`.

    Raises
    ------
    ModelError
        If the checkout has no such commit, as copies without history and shallow clones.
    """
    card = (folder or generations_folder()) / commit / f"{Path(ASSET).name}.json"
    if card.is_file():
        return card
    content = json.loads(_show(commit, f"{ASSET}.json"))
    trunk = content["network"]["trunk"]
    content["network"]["trunk"] = {**EARLIER_TRUNK, **trunk}
    weights = _show(commit, f"{ASSET}.safetensors")
    card.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(card.with_suffix(".safetensors")) as part:
        part.write_bytes(weights)
    with atomic_path(card) as part:
        part.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return card


def _show(commit: str, path: str) -> bytes:
    words = ["git", "-C", str(ROOT), "show", f"{commit}:{path}"]
    try:
        return subprocess.run(words, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise ModelError(f"{path} of commit {commit} is not in the history of this checkout") from (
            None
        )
