"""Checkpoints of other projects, read safely: tensors and plain values, never code."""

from diarspk.encoders.pretrained.campplus import find_campplus, load_campplus
from diarspk.encoders.pretrained.encoders import load_foreign_encoder
from diarspk.encoders.pretrained.state import load_strictly, read_state

__all__ = [
    "find_campplus",
    "load_campplus",
    "load_foreign_encoder",
    "load_strictly",
    "read_state",
]
