"""Begin a training with the weights of another, whose trunk may be smaller."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from recipes.training.warm_start import check_warm_start

__all__ = ["grow", "load_warm_start"]

THROWN_AWAY = ("criterion.", "mimic.")
"""Parts of a training that no model has: they begin anew where they are missing."""

TRUNK = "network.trunk."
PROJECTION = f"{TRUNK}projection.affine.weight"
NARROWER = (f"{TRUNK}front.", f"{TRUNK}coarse.", "network.utterance.whitening.")
"""Parts with tensors that may be narrower where they come from."""

PLANES = 3
"""Input planes of the front of a trunk with a profile; without one there is one less."""

FADED = 0.05
"""Gain of the batch norm of a new time-delay layer: its rectifier would never learn from zero."""


def load_warm_start(training: nn.Module, trained: Mapping[str, Tensor]) -> None:
    """Take over the weights of a training of the same network, or of a smaller trunk.

    Raises
    ------
    ArgumentError
        If a tensor of the network or its heads is missing, or does not fit. Nothing is changed.
    """
    state = training.state_dict()
    for name, tensor in grow(state, trained).items():
        state[name].copy_(tensor)


def grow(own: Mapping[str, Tensor], trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State of a training whose trunk computes what a smaller one does.

    A trunk with more channels, pairs of convolutions or stages in its front, or with more layers,
    differs from the smaller one (as in Chen et al. 2016, "Net2Net") in what adds nothing: channels
    and stages that nobody reads yet, pairs that add zero, and layers that add next to nothing.

    Parameters
    ----------
    own, trained
        States of the training and of the smaller one.

    Raises
    ------
    ArgumentError
        As :func:`load_warm_start` does.
    """
    trained = {_in_pairs(name): tensor for name, tensor in trained.items()}
    parts = {_part(name) for name in trained} | {""}
    columns = _columns(trained, own)
    check_warm_start(
        trained,
        own,
        may_lack=lambda name: name.startswith(THROWN_AWAY) or _part(name) not in parts,
        fits=lambda name: _fits(name, trained[name], own[name], columns),
        remedy="a checkpoint or card of the same network, or one with a smaller trunk, and of the "
        "same training speakers",
    )
    grown = {name: tensor.clone() for name, tensor in own.items()}
    for name, tensor in grown.items():
        if name == PROJECTION and columns is not None:
            tensor.zero_()
            tensor[:, columns] = trained[name]
        elif name in trained:
            given = trained[name]
            if given.dim() > 1:  # what is new is read by nobody who was there before
                tensor[: len(given), given.shape[1] :] = 0
            tensor[tuple(map(slice, given.shape))] = given
        elif re.search(r"\.pairs\.\d+\.norm2\.weight$", name) and _part(name):
            tensor.zero_()
        elif name.startswith(f"{TRUNK}layers.") and name.endswith(".norm.weight"):
            tensor.fill_(FADED)
    return grown


def _in_pairs(name: str) -> str:
    """Name of a tensor of a front that was written before its stages could have several pairs."""
    return re.sub(r"(\.front\.\d+)\.((?:conv|norm)[12]\.)", r"\1.pairs.0.\2", name)


def _part(name: str) -> str:
    """Part of the trunk that a larger one may have more of; nothing for any other tensor."""
    pattern = r"network\.trunk\.((front\.\d+|coarse)\.pairs\.\d+|coarse|layers\.\d+)\."
    found = re.match(pattern, name)
    return found[0] if found else ""


def _fits(name: str, given: Tensor, own: Tensor, columns: Tensor | None) -> bool:
    """Whether a tensor is of the same shape, or of a narrower front or whitening."""
    if name == PROJECTION and columns is not None:
        return len(given) == len(own) and given.shape[1] == len(columns)
    if not name.startswith(NARROWER) or given.dim() != own.dim():
        return given.shape == own.shape
    pairs = zip(given.shape, own.shape, strict=True)
    return all(few <= many for few, many in pairs) and given.shape[2:] == own.shape[2:]


def _columns(trained: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Tensor | None:
    """Columns of a larger trunk's projection that read what a smaller one's reads, in its order.

    They are channels by mel bins of the last stage, then of the coarse one, which has half as many
    bins, then the mel bins of the profile. None where either has no projection, or they are of
    features with different mel bins.
    """
    if PROJECTION not in trained or PROJECTION not in own:
        return None
    few, many = _blocks(trained), _blocks(own)
    if few[0][1] != many[0][1]:
        return None
    start, columns = 0, []
    for (channels, bins), (most, _) in zip(few, many, strict=True):
        columns.append(torch.arange(start, start + channels * bins))
        start += most * bins
    return torch.cat(columns)


def _blocks(state: Mapping[str, Tensor]) -> list[tuple[int, int]]:
    """Channels and bins of what a projection reads: last stage, coarse stage and profile."""
    reduce = sorted(n for n in state if re.match(r"network\.trunk\.front\.\d+\.reduce\.weight", n))
    fine = len(state[reduce[-1]]) if reduce else 0
    coarse = len(state.get(f"{TRUNK}coarse.reduce.weight", ()))
    profile = int(bool(reduce) and state[reduce[0]].shape[1] == PLANES)
    stride = 2 ** len(reduce)
    # each bin of the last stage is half a bin of the coarse one and stride bins of the profile
    bins = 2 * state[PROJECTION].shape[1] // max(2 * fine + coarse + 2 * stride * profile, 1)
    return [(fine, bins), (coarse, -(-bins // 2)), (profile, stride * bins)]
