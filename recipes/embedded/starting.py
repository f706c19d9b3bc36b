"""Begin a training with the weights of another."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from diarspk.errors import ArgumentError

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
    missing = {name for name in state.keys() - trained.keys() if not name.startswith(THROWN_AWAY)}
    unlike = {
        name
        for name, tensor in trained.items()
        if name not in state or state[name].shape != tensor.shape
    }
    if strange := sorted(missing | unlike):
        raise ArgumentError(
            f"the weights to begin with do not fit this training ({', '.join(strange[:3])}); give "
            "a checkpoint or card of the same network and training speakers"
        )
    for name, tensor in trained.items():
        state[name].copy_(tensor)
