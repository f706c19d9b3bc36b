"""Checkpoints of other projects, read safely: tensors and plain values, never code."""

from diarspk.foreign.campplus import find_campplus, load_campplus
from diarspk.foreign.encoders import load_foreign_encoder
from diarspk.foreign.state import load_strictly, read_state

__all__ = [
    "find_campplus",
    "load_campplus",
    "load_foreign_encoder",
    "load_strictly",
    "read_state",
]
