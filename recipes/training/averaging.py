"""Means of weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["average_weights"]


def average_weights(
    state: Mapping[str, Tensor], other: Mapping[str, Tensor], share: float
) -> dict[str, Tensor]:
    """Average weights with others of the same training, whose share is given.

    What the other lacks, and what counts steps, stays as it is in ``state``.
    """
    return {
        name: torch.lerp(tensor, other[name].to(tensor), share)
        if name in other and tensor.is_floating_point()
        else tensor
        for name, tensor in state.items()
    }
