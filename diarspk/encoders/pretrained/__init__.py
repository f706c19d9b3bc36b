"""Checkpoints of other projects, read safely: tensors and plain values, never code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.checkpoints.pickled import load_strictly, read_state
    from diarspk.encoders.pretrained.campplus import find_campplus, load_campplus
    from diarspk.encoders.pretrained.encoders import load_pretrained_encoder

__all__ = [
    "find_campplus",
    "load_campplus",
    "load_pretrained_encoder",
    "load_strictly",
    "read_state",
]

_HOMES = {
    "find_campplus": "diarspk.encoders.pretrained.campplus",
    "load_campplus": "diarspk.encoders.pretrained.campplus",
    "load_pretrained_encoder": "diarspk.encoders.pretrained.encoders",
    "load_strictly": "diarspk.checkpoints.pickled",
    "read_state": "diarspk.checkpoints.pickled",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
