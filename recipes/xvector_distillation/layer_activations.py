"""Activations of a teacher's layers, and its embedding, in one forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.base import Architecture
from diarspk.errors import ArgumentError

__all__ = [
    "LOCAL",
    "TEACHERS",
    "Activations",
    "Levels",
    "align_frames",
    "compute_levels",
    "levels_of",
]


@dataclass(frozen=True)
class Levels:
    """Frame-level layers of a teacher, by the names of their modules.

    Attributes
    ----------
    layers : tuple of str
        From the input on.
    narrow, wide : str
        The last layer of small and the one of large width: narrowBN and wideBN.
    aggregated : tuple of str
        Layers that are pooled together.
    channels_last : bool
        Whether their frames are ``(batch, frames, channels)``, not ``(batch, channels, frames)``.
    """

    layers: tuple[str, ...]
    narrow: str
    wide: str
    aggregated: tuple[str, ...]
    channels_last: bool = False


_TIME_DELAY = Levels(
    ("frame_1", "frame_2", "frame_3", "frame_4", "frame_5"),
    narrow="frame_4",
    wide="frame_5",
    aggregated=("frame_3", "frame_4", "frame_5"),
)
_ECAPA = Levels(
    ("layer1", "layer2", "layer3", "layer4", "conv_bn"),
    narrow="layer4",
    wide="conv_bn",
    aggregated=("layer3", "layer4", "conv_bn"),
)
_CAMPPLUS = Levels(
    ("xvector.tdnn", "xvector.transit1", "xvector.transit2", "xvector.out_nonlinear"),
    narrow="xvector.transit1",
    wide="xvector.out_nonlinear",
    aggregated=("xvector.transit1", "xvector.transit2", "xvector.out_nonlinear"),
)
_LOCAL = Levels(
    ("network.trunk.projection", "network.trunk", "network.utterance.expand"),
    narrow="network.trunk",
    wide="network.utterance.expand",
    aggregated=("network.trunk.projection", "network.trunk", "network.utterance.expand"),
    channels_last=True,
)

LOCAL = "local-tdnn"
"""The embedded encoder, which is none of the architectures by name."""

TEACHERS: Mapping[str, Levels] = MappingProxyType(
    {
        "x-vector": _TIME_DELAY,
        "x-vector-espnet": _TIME_DELAY,
        "ecapa-c512": _ECAPA,
        "ecapa-c1024": _ECAPA,
        "ecapa-espnet-c512": _ECAPA,
        "ecapa-espnet-c1024": _ECAPA,
        "campplus": _CAMPPLUS,
        LOCAL: _LOCAL,
    }
)
"""Architectures whose layers are known; those whose frames have channels and nothing else."""


@dataclass(frozen=True)
class Activations:
    """Embedding and layer activations of a batch of crops.

    Attributes
    ----------
    embedding : Tensor, ``(batch, dim)``
        Of the utterance, not normalised.
    frames : dict of str to Tensor, ``(batch, frames', channels)``
        By layer. A layer without padding has fewer frames than features, by as many on either
        side.
    """

    embedding: Tensor
    frames: dict[str, Tensor]


def levels_of(architecture: str) -> Levels:
    """Levels of an architecture.

    Raises
    ------
    ArgumentError
        If they are not known.
    """
    if architecture not in TEACHERS:
        raise ArgumentError(f"`teacher` must be one of {', '.join(TEACHERS)}, got {architecture!r}")
    return TEACHERS[architecture]


def compute_levels(
    network: Architecture,
    features: Tensor,
    layers: Sequence[str],
    *,
    channels_last: bool = False,
) -> Activations:
    """Embed features ``(batch, frames, mels)`` and keep the frames of some layers."""
    with _recorded(network, layers) as frames:
        embedding = network(features)
    if not channels_last:
        frames = {name: tensor.transpose(1, 2) for name, tensor in frames.items()}
    return Activations(embedding, frames)


def align_frames(frames: Sequence[Tensor]) -> list[Tensor]:
    """Cut the frames of several layers, ``(batch, frames', channels)``, to those that all have."""
    shortest = min(one.shape[1] for one in frames)
    starts = [(one.shape[1] - shortest) // 2 for one in frames]
    return [one[:, start : start + shortest] for one, start in zip(frames, starts, strict=True)]


@contextmanager
def _recorded(network: nn.Module, layers: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    frames: dict[str, Tensor] = {}

    def keep(name: str, output: Tensor | tuple[Tensor, object]) -> None:
        frames[name] = output if isinstance(output, torch.Tensor) else output[0]

    hooks = [
        network.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: keep(name, output)
        )
        for name in layers
    ]
    try:
        yield frames
    finally:
        for hook in hooks:
            hook.remove()
