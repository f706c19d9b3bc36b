"""Read weights to begin a training with."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from diarspk.checkpoints import read_checkpoint

__all__ = ["read_start"]


def read_start(path: Path, *, part: str, name: str) -> dict[str, Tensor]:
    """State of a training: from its checkpoint, or from the card of the model it became.

    Parameters
    ----------
    part, name
        What the names of one part's tensors begin with in the card, and what in the training.
    """
    if path.suffix != ".json":
        state: dict[str, Tensor] = torch.load(path, "cpu", weights_only=True)["state_dict"]
        return state
    return {
        name + key.removeprefix(part) if key.startswith(part) else key: tensor
        for key, tensor in read_checkpoint(path).tensors.items()
    }
