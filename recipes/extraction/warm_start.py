"""Begin a training with the weights of another: in a larger network, a causal one, as a separator.

Where they were trained with another speaker encoder, its vectors are translated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from diarspk.errors import ArgumentError
from recipes.training.warm_start import check_warm_start
from tse.models import ExtractionNetwork
from tse.models.conditioning import CueReader, standardized

__all__ = [
    "OF_A_JOINT_ENCODER",
    "begin_as_separator",
    "grow",
    "load_warm_start",
    "make_causal",
    "translate_vectors",
]

OF_A_JOINT_ENCODER = {"part": "encoder.", "name": "joint.network."}
"""Names of its tensors in a card, and in a training: see `read_warm_start`."""

AHEAD = re.compile(r"\.path\.recurrent\..*_reverse$")
"""Names of tensors that only networks which look ahead have."""

LAST_MAPS = (".expand.", ".project.", ".attention.output.")
"""Names of what the residual paths of a spliced block end with: zeros there add nothing."""


def load_warm_start(training: nn.Module, trained: Mapping[str, Tensor]) -> None:
    """Take over the weights of a training, whose network may be smaller, or look ahead.

    See :func:`grow` and :func:`make_causal`.

    Raises
    ------
    ArgumentError
        As :func:`grow` does. Nothing is changed.
    """
    own = training.state_dict()
    if any(map(AHEAD.search, trained)) and not any(map(AHEAD.search, own)):
        trained = make_causal(trained)
    training.load_state_dict(grow(own, trained))


def make_causal(trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State of a causal network of spliced blocks, from that of one that looks ahead.

    - Taps of a splice stay at their times. That of the next frames is added to that of the present
      one, which is most like them.
    - Of the LSTMs the forward half stays, and what reads it.
    """
    causal = {name: tensor for name, tensor in trained.items() if not name.endswith("_reverse")}
    for name, tensor in causal.items():
        if name.endswith(".path.affine.weight"):
            causal[name] = tensor.chunk(2, dim=1)[0].clone()
        elif name.endswith(".convolve.affine.weight"):
            before, now, after = tensor.chunk(3, dim=1)
            causal[name] = torch.cat([torch.zeros_like(before), before, now + after], dim=1)
    return causal


def grow(own: Mapping[str, Tensor], trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State of a network that computes what a smaller one does.

    A network with more blocks, wider paths within bands, or attention differs from the smaller one
    (as in Chen et al. 2016, "Net2Net") in what adds nothing: what is new stays as it is, but for
    the last map of each residual path, which is zero where it reads what is new.

    Parameters
    ----------
    own, trained
        States of the larger network and of the smaller one.

    Raises
    ------
    ArgumentError
        If a tensor does not fit, or one that is of no new part is missing.
    """
    blocks = set(map(_block, trained))
    check_warm_start(
        trained,
        own,
        may_lack=lambda name: _block(name) not in blocks or _of_attention(name),
        fits=lambda name: _fits(name, trained[name], own[name]),
        remedy="the same architecture, cue and fusion, with as many blocks and hidden channels or "
        "more",
    )
    grown = {name: tensor.clone() for name, tensor in own.items()}
    for name, tensor in grown.items():
        if any(part in name for part in LAST_MAPS):
            tensor.zero_()
        if name in trained:
            tensor[tuple(map(slice, trained[name].shape))] = trained[name]
    return grown


def _of_attention(name: str) -> bool:
    return ".attention." in name or ".enrolled." in name


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


@torch.no_grad()
def translate_vectors(
    reader: CueReader, before: Tensor, after: Tensor, *, ridge: float = 1e-3
) -> float:
    """Let a reader of one encoder's vectors read another's, as nearly as a linear map can.

    The old vectors, as the reader standardises them, are regressed on the new ones; the regression
    becomes a part of the reader's first map.

    Parameters
    ----------
    before, after
        Vectors ``(n, size)`` of the same utterances by both encoders, whose sizes may differ; the
        reader has that of the other encoder then.
    ridge
        Of the regression, in mean variances of the new vectors.

    Returns
    -------
    float
        Share of the old vectors' variance that the new ones explain.

    Raises
    ------
    ArgumentError
        If the vectors are not of as many utterances, or those before of another size than the
        reader's.
    """
    size = reader.config.vector_size
    if reader.vector is None or before.shape != (len(after), size) or after.dim() != 2:
        raise ArgumentError(
            f"vectors before must be (n, {size}), and those of the other encoder as many, of the "
            f"same utterances, got {tuple(before.shape)} and {tuple(after.shape)}; pack the same "
            "data with both encoders"
        )
    old, new = standardized(before.double()), standardized(after.double())
    old_mean, new_mean = old.mean(0), new.mean(0)
    old, new = old - old_mean, new - new_mean
    gram = new.T @ new
    gram += ridge * gram.trace() / len(gram) * torch.eye(len(gram), dtype=gram.dtype)
    translation = torch.linalg.solve(gram, new.T @ old)  # (new size, old size)
    first = reader.vector.get_submodule("0")
    assert isinstance(first, nn.Linear)
    weight = first.weight.double()
    first.bias.add_((weight @ (old_mean - new_mean @ translation)).to(first.bias))
    first.weight = nn.Parameter((weight @ translation.T).to(first.weight))
    first.in_features = after.shape[1]
    reader.config = replace(reader.config, vector_size=after.shape[1])
    return 1.0 - float((old - new @ translation).square().sum() / old.square().sum())
