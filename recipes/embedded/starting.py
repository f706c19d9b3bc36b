"""Begin a training with the weights of another."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from recipes.starting import check_start

__all__ = ["begin_with"]

THROWN_AWAY = ("criterion.", "mimic.")
"""Parts of a training that no model has: they begin anew where they are missing."""


def begin_with(training: nn.Module, trained: Mapping[str, Tensor]) -> None:
    """Take over the weights of a training of the same network.

    Raises
    ------
    ArgumentError
        If a tensor of the network or its heads is missing, or does not fit. Nothing is changed.
    """
    state = training.state_dict()
    check_start(
        trained,
        state,
        may_lack=lambda name: name.startswith(THROWN_AWAY),
        fits=lambda name: trained[name].shape == state[name].shape,
        remedy="a checkpoint or card of the same network and training speakers",
    )
    for name, tensor in trained.items():
        state[name].copy_(tensor)
