"""Checkpoints of other projects, read safely: tensors and plain values, never code."""

from diarspk.foreign.state import drop_prefix, load_strictly, read_state

__all__ = ["drop_prefix", "load_strictly", "read_state"]
