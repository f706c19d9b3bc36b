"""ReDimNet: features reshaped between two-dimensional and one-dimensional blocks.

Yakovlev et al., "Reshape dimensions network for speaker recognition", Interspeech 2024. Channels
times mels stay constant: a stage is convolutions on ``(channels, mels, frames)``, then a block over
time on ``(channels * mels, frames)``; its input is a learned mixture of the outputs of all stages
before it. Modules are named as in WeSpeaker's checkpoints, and sizes B0 to B6 are WeSpeaker's:
1,249,711 / 2,123,481 / 4,888,241 / 3,220,413 / 6,432,305 / 7,650,545 / 15,006,257 parameters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import Mask
from diarspk.encoders.architectures.pooling.registry import build_pooling
from diarspk.encoders.architectures.redimnet_blocks import (
    HEADS,
    ChannelNorm,
    ResidualBlock,
    SeparableBlock,
    SqueezeBlock,
    TimeContext,
    to_one_dimension,
)

__all__ = ["REDIMNET", "ReDimNet", "ReDimNetConfig", "Stage"]


@dataclass(frozen=True)
class Stage:
    """Dimensions of one stage.

    Attributes
    ----------
    stride : int
        Divisor of the mels, and factor of the channels.
    blocks : int
        Convolutional blocks.
    expansion : int
        Factor of the channels inside the stage.
    reduction : int, optional
        Divisor of the width of the block over time; None for a stage without such a block.
    """

    stride: int
    blocks: int
    expansion: int = 1
    reduction: int | None = None


@dataclass(frozen=True)
class ReDimNetConfig:
    """Dimensions of a :class:`ReDimNet`.

    Attributes
    ----------
    block : str
        "residual", "residual-squeezed" (with frequency-wise squeeze-excitation) or "separable".
    group : int
        Channels of each group of the grouped convolutions.
    """

    stages: tuple[Stage, ...]
    channels: int
    group: int
    block: str = "residual"
    mels: int = 72
    dimension: int = 192
    pooling: str = "channel-attentive-wespeaker"

    def fits(self, mels: int) -> bool:
        """Whether the strides divide ``mels``, and the heads the width of their blocks."""
        widths = [
            self.channels * mels // stage.reduction
            for stage in self.stages
            if stage.reduction is not None
        ]
        strides = math.prod(stage.stride for stage in self.stages)
        return mels % strides == 0 and all(width % HEADS == 0 for width in widths)


def _stages(*rows: tuple[int, int, int, int | None]) -> tuple[Stage, ...]:
    return tuple(Stage(*row) for row in rows)


_B4 = _stages(
    (1, 4, 2, 48), (2, 4, 2, 48), (1, 6, 2, 48), (2, 6, 1, 32), (1, 8, 1, 24), (2, 4, 1, 16)
)

REDIMNET: dict[str, ReDimNetConfig] = {
    "b0": ReDimNetConfig(
        _stages((1, 2, 1, 30), (2, 3, 2, 30), (1, 3, 3, 30), (2, 4, 2, 10), (1, 3, 1, 10)),
        channels=10,
        group=1,
    ),
    "b1": ReDimNetConfig(
        _stages((1, 2, 1, None), (2, 3, 1, None), (3, 4, 1, 12), (2, 5, 1, 12), (2, 3, 1, 8)),
        channels=12,
        group=8,
        block="separable",
    ),
    "b2": ReDimNetConfig(
        _stages(
            (1, 2, 1, 12), (2, 2, 1, 12), (1, 3, 1, 12), (2, 4, 1, 8), (1, 4, 1, 8), (2, 4, 1, 4)
        ),
        channels=16,
        group=4,
        block="separable",
    ),
    "b3": ReDimNetConfig(
        _stages(
            *((1, 6, 4, 32), (2, 6, 2, 32), (1, 8, 2, 32)),
            *((2, 10, 2, 16), (1, 10, 1, 16), (2, 8, 1, 16)),
        ),
        channels=16,
        group=1,
        block="residual-squeezed",
    ),
    "b4": ReDimNetConfig(_B4, channels=32, group=1, block="residual-squeezed"),
    "b5": ReDimNetConfig(_B4, channels=32, group=16, block="residual-squeezed"),
    "b6": ReDimNetConfig(
        _stages(
            *((1, 4, 4, 32), (2, 6, 2, 32), (1, 6, 2, 24)),
            *((3, 8, 1, 24), (1, 8, 1, 16), (2, 8, 1, 16)),
        ),
        channels=32,
        group=32,
    ),
}
"""Sizes by name."""


class ReDimNet(Architecture):
    """Features ``(batch, frames, mels)`` to embeddings ``(batch, dimension)``."""

    def __init__(self, config: ReDimNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or REDIMNET["b2"]
        self.dimension = config.dimension
        self.backbone = Backbone(config)
        self.pool = build_pooling(config.pooling, config.channels * config.mels)
        self.seg_1 = nn.Linear(self.pool.statistics, config.dimension)

    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """See :meth:`Architecture.encode`."""
        x = self.backbone(features.transpose(1, 2).unsqueeze(1), mask)
        return x.transpose(1, 2), mask

    def project(self, pooled: Tensor) -> Tensor:
        """See :meth:`Architecture.project`."""
        return self.seg_1(pooled)


class Backbone(nn.Module):
    """``(batch, 1, mels, frames)`` to ``(batch, channels * mels, frames)``."""

    def __init__(self, config: ReDimNetConfig) -> None:
        super().__init__()
        width = config.channels * config.mels
        self.stem = nn.ModuleList(
            [nn.Conv2d(1, config.channels, 3, padding=1), ChannelNorm(config.channels)]
        )
        # The first stage has a single input, so its weight is constant; checkpoints hold it.
        first = nn.Parameter(torch.ones(1, 1, 1, 1), requires_grad=False)
        mixtures = [torch.zeros(1, n + 2, width, 1) for n in range(len(config.stages))]
        self.inputs_weights = nn.ParameterList([first, *mixtures])
        self.shapes: list[tuple[int, int]] = []  # channels and mels that a stage reads
        channels, mels = config.channels, config.mels
        for index, stage in enumerate(config.stages):
            self.shapes.append((channels, mels))
            self.add_module(f"stage{index}", _build_stage(config, stage, channels, mels))
            channels, mels = channels * stage.stride, mels // stage.stride

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        if mask is not None:
            x = x.masked_fill(~mask[:, None, None], 0.0)
        conv, norm = self.stem
        outputs = [to_one_dimension(norm(conv(x)))]
        for index, (channels, mels) in enumerate(self.shapes):
            x = self._mixture(outputs, index)
            x = x.view(len(x), mels, channels, -1).transpose(1, 2)
            for layer in self.get_submodule(f"stage{index}").children():
                x = layer(x, mask)
            outputs.append(x)
        return self._mixture(outputs, -1)

    def _mixture(self, outputs: list[Tensor], index: int) -> Tensor:
        """Mix the outputs so far with softmax weights of each channel."""
        weights = self.inputs_weights[index].softmax(dim=1)  # (1, outputs, width, 1)
        return (weights * torch.stack(outputs, dim=1)).sum(dim=1)


class Reduction(nn.Conv2d):
    """Strided convolution to fewer mels and more channels."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__(before, after, (stride, 1), stride=(stride, 1))

    def forward(self, x: Tensor, mask: Mask = None) -> Tensor:
        return super().forward(x)


class Flattening(nn.Module):
    """Channels and mels to one axis; it keeps the numbering of modules in checkpoints."""

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        return to_one_dimension(x)


class NamedBlock(nn.Module):
    """Block under its name in checkpoints."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.conv_block = block

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        return self.conv_block(x, mask)


def _build_stage(config: ReDimNetConfig, stage: Stage, channels: int, mels: int) -> nn.ModuleList:
    after, mels_after = channels * stage.stride, mels // stage.stride
    inner = after * stage.expansion
    layers = nn.ModuleList([Reduction(channels, inner, stage.stride)])
    for _ in range(stage.blocks):
        layers.append(NamedBlock(_build_block(config, inner, mels_after)))
    if stage.expansion != 1:
        layers.append(SqueezeBlock(inner, after, config.group))
    layers.append(Flattening())
    if stage.reduction is not None:
        width = config.channels * config.mels
        layers.append(TimeContext(width, width // stage.reduction))
    return layers


def _build_block(config: ReDimNetConfig, channels: int, mels: int) -> nn.Module:
    if config.block == "separable":
        return SeparableBlock(channels, config.group)
    squeezed = mels if config.block == "residual-squeezed" else None
    return ResidualBlock(channels, config.group, squeezed_mels=squeezed)
