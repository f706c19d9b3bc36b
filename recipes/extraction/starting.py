"""Begin a training with the weights of another: all, in a larger network, or as a separator."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor, nn

from recipes.starting import check_start
from tse.models import ExtractionNetwork

__all__ = ["begin_as_separator", "begin_with"]

LAST_MAPS = (".expand.", ".project.")
"""Names of what the residual paths of a spliced block end with: zeros there add nothing."""


def begin_with(training: nn.Module, trained: Mapping[str, Tensor]) -> None:
    """Take over the weights of a training, whose network may be smaller.

    A network with more blocks, or wider paths within bands, then computes what the smaller one does
    (as in Chen et al. 2016, "Net2Net"): what is new begins at random, but for the last map of each
    residual path, which is zero where it reads what is new.

    Raises
    ------
    ArgumentError
        If a tensor does not fit, or one that is of no new block is missing. Nothing is changed.
    """
    state = training.state_dict()
    blocks = set(map(_block, trained))
    check_start(
        trained,
        state,
        may_lack=lambda name: _block(name) not in blocks,
        fits=lambda name: _fits(name, trained[name], state[name]),
        remedy="the same architecture, cue and fusion, with as many blocks and hidden channels or "
        "more",
    )
    for name, own in state.items():
        if any(part in name for part in LAST_MAPS):
            own.zero_()
        if name in trained:
            own[tuple(map(slice, trained[name].shape))] = trained[name]


def _block(name: str) -> str:
    """Say which block a tensor is of; nothing where it is of none."""
    found = re.match(r"network\.blocks\.\d+\.", name)
    return found[0] if found else ""


def _fits(name: str, given: Tensor, own: Tensor) -> bool:
    """Whether a tensor is of the same shape, or of narrower paths within bands."""
    if ".convolve." in name:
        return given.shape[1:] == own.shape[1:] and len(given) <= len(own)
    if name.endswith(".project.weight"):
        return given.shape[:-1] == own.shape[:-1] and given.shape[-1] <= own.shape[-1]
    return given.shape == own.shape


def begin_as_separator(network: ExtractionNetwork, trained: Mapping[str, Tensor]) -> int:
    """Take over a trained network but for its reading of the cue and its fusion.

    Parameters
    ----------
    trained : mapping
        State of the other network, whose cue, fusion and even architecture may differ: only what
        has the same name and shape is taken.

    Returns
    -------
    int
        Parameters that were taken.
    """
    own = network.state_dict()
    taken = {
        name: tensor
        for name, tensor in trained.items()
        if name in own
        and own[name].shape == tensor.shape
        and not name.startswith("reader.")
        and ".fusion." not in name
    }
    network.load_state_dict(taken, strict=False)
    return sum(tensor.numel() for tensor in taken.values())
