"""Checkpoints as safetensors with a JSON card, and the assets of the packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.checkpoints.assets import asset_folder
    from diarspk.checkpoints.checkpoint import (
        Checkpoint,
        drop_prefix,
        read_checkpoint,
        write_checkpoint,
    )
    from diarspk.checkpoints.heads import HeadFormat

__all__ = [
    "Checkpoint",
    "HeadFormat",
    "asset_folder",
    "drop_prefix",
    "read_checkpoint",
    "write_checkpoint",
]

_HOMES = {
    "Checkpoint": "diarspk.checkpoints.checkpoint",
    "HeadFormat": "diarspk.checkpoints.heads",
    "asset_folder": "diarspk.checkpoints.assets",
    "drop_prefix": "diarspk.checkpoints.checkpoint",
    "read_checkpoint": "diarspk.checkpoints.checkpoint",
    "write_checkpoint": "diarspk.checkpoints.checkpoint",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
