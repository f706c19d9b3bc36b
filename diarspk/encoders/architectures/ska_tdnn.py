"""SKA-TDNN: convolutions that choose their kernel size by attention.

Mun et al., "Frequency and multi-scale selective kernel attention for speaker verification", SLT
2022, in ESPnet-SPK's form: a two-dimensional front with frequency-wise and channel-wise selective
kernels, then Res2 blocks with multi-scale selective kernels, densely summed as in ECAPA-TDNN.
35,812,864 parameters, classifier excluded.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.ecapa import SqueezeExcitation
from diarspk.encoders.architectures.masking import Mask, blank, masked_mean, strided
from diarspk.encoders.architectures.pooling.registry import build_pooling

__all__ = ["SkaTdnn", "SkaTdnnConfig"]

KERNELS = (5, 7)
MIN_BOTTLENECK = 16


@dataclass(frozen=True)
class SkaTdnnConfig:
    """Dimensions of a :class:`SkaTdnn`. Defaults: ESPnet's."""

    mels: int = 80
    dimension: int = 192
    front_channels: int = 128
    channels: int = 1024
    scale: int = 8
    aggregated: int = 1536
    pooling: str = "channel-attentive"


class SkaTdnn(Architecture):
    """Features ``(batch, frames, mels)`` to embeddings ``(batch, dimension)``.

    Frame features have half the frame rate.
    """

    stride = 2

    def __init__(self, config: SkaTdnnConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or SkaTdnnConfig()
        self.dimension = config.dimension
        front, channels, mels = config.front_channels, config.channels, -(-config.mels // 2)
        self.frt_conv1 = nn.Conv2d(1, front, 3, stride=(2, 1), padding=1)
        self.frt_bn1 = nn.BatchNorm2d(front)
        self.frt_block1 = SelectiveFrontBlock(front, mels)
        self.frt_block2 = SelectiveFrontBlock(front, mels)
        self.frt_conv2 = nn.Conv2d(front, front, 3, stride=2, padding=1)
        self.frt_bn2 = nn.BatchNorm2d(front)
        self.conv1 = nn.Conv1d(front * -(-mels // 2), channels, 5, padding=2)
        self.bn1 = nn.BatchNorm1d(channels)
        self.layer1 = SelectiveRes2Block(channels, config.scale, dilation=2)
        self.layer2 = SelectiveRes2Block(channels, config.scale, dilation=3)
        self.layer3 = SelectiveRes2Block(channels, config.scale, dilation=4)
        self.layer4 = nn.Conv1d(3 * channels, config.aggregated, 1)
        self.pool = build_pooling(config.pooling, config.aggregated)
        self.bn = nn.BatchNorm1d(self.pool.statistics)
        self.linear = nn.Linear(self.pool.statistics, config.dimension)
        self.linear_bn = nn.BatchNorm1d(config.dimension)

    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """See :meth:`Architecture.encode`."""
        x = blank(features.transpose(1, 2), mask).unsqueeze(1)  # (batch, 1, mels, frames)
        x = self.frt_bn1(self.frt_conv1(x).relu())
        x = self.frt_block2(self.frt_block1(x, mask), mask)
        x = self.frt_bn2(self.frt_conv2(blank(x, mask)).relu()).flatten(1, 2)
        mask = strided(mask, 2)
        x = self.bn1(self.conv1(blank(x, mask)).relu())
        first = self.layer1(x, mask)
        second = self.layer2(x + first, mask)
        third = self.layer3(x + first + second, mask)
        x = self.layer4(torch.cat([first, second, third], dim=1)).relu()
        return x.transpose(1, 2), mask

    def project(self, pooled: Tensor) -> Tensor:
        """See :meth:`Architecture.project`."""
        return self.linear_bn(self.linear(self.bn(pooled)))


class SelectiveFrontBlock(nn.Module):
    """Residual block: convolution, kernels selected per frequency, then per channel."""

    def __init__(self, channels: int, mels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.skfwse = SelectiveKernels(channels, mels, axis=2)
        self.skcwse = SelectiveKernels(channels, channels, axis=1)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        y = self.bn1(self.conv1(blank(x, mask)).relu())
        y = self.skcwse(self.skfwse(y, mask), mask)
        return (x + y).relu()


class SelectiveKernels(nn.Module):
    """Two-dimensional convolutions of two sizes, mixed by attention over one axis.

    Parameters
    ----------
    channels
        Channels of ``(batch, channels, mels, frames)``.
    size, axis
        Length and index of the axis along which the mixture differs: 1 or 2.
    """

    def __init__(self, channels: int, size: int, *, axis: int) -> None:
        super().__init__()
        self.axis = axis
        self.convs = nn.ModuleList(
            _conv_relu_norm(
                nn.Conv2d(channels, channels, kernel, padding=kernel // 2),
                nn.BatchNorm2d(channels),
            )
            for kernel in KERNELS
        )
        self.select = KernelSelection(size, reduction=8)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        x = blank(x, mask)
        candidates = torch.stack([conv(x) for conv in self.convs])
        means = masked_mean(candidates.sum(0), mask).squeeze(-1)  # (batch, channels, mels)
        weights = self.select(means.mean(dim=3 - self.axis))  # (kernels, batch, size)
        shape = (*weights.shape[:2], *(1 if axis != self.axis else -1 for axis in (1, 2)), 1)
        return (weights.view(shape) * candidates).sum(0)


class KernelSelection(nn.Module):
    """Softmax attention over kernels: means ``(batch, size)`` -> ``(kernels, batch, size)``."""

    def __init__(self, size: int, *, reduction: int) -> None:
        super().__init__()
        bottleneck = max(MIN_BOTTLENECK, size // reduction)
        self.fc = nn.Linear(size, bottleneck)
        self.fcs = nn.ModuleList(nn.Linear(bottleneck, size) for _ in KERNELS)

    def forward(self, means: Tensor) -> Tensor:
        hidden = self.fc(means).relu()
        return torch.stack([layer(hidden) for layer in self.fcs]).softmax(dim=0)


class SelectiveRes2Block(nn.Module):
    """Res2 block whose groups each select between two kernel sizes, with squeeze-excitation.

    All groups share one selection network.
    """

    def __init__(self, channels: int, scale: int, *, dilation: int) -> None:
        super().__init__()
        self.scale = scale
        width = channels // scale
        self.conv1 = nn.Conv1d(channels, width * scale, 1)
        self.bn1 = nn.BatchNorm1d(width * scale)
        self.skconvs = nn.ModuleList(
            nn.ModuleList(_dilated(width, kernel, dilation) for kernel in KERNELS)
            for _ in range(scale - 1)
        )
        self.skse = KernelSelection(width, reduction=4)
        self.conv3 = nn.Conv1d(width * scale, channels, 1)
        self.bn3 = nn.BatchNorm1d(channels)
        self.se = SqueezeExcitation(channels, 128, norm=True)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        *groups, untouched = self.bn1(self.conv1(x).relu()).chunk(self.scale, dim=1)
        outputs: list[Tensor] = []
        for group, convs in zip(groups, self.skconvs, strict=True):
            y = blank(group + outputs[-1] if outputs else group, mask)
            candidates = torch.stack([conv(y) for conv in convs.children()])
            weights = self.skse(masked_mean(candidates.sum(0), mask).squeeze(-1))
            outputs.append((weights.unsqueeze(-1) * candidates).sum(0))
        y = self.bn3(self.conv3(torch.cat([*outputs, untouched], dim=1)).relu())
        return x + self.se(y, mask)


def _dilated(width: int, kernel: int, dilation: int) -> nn.Sequential:
    padding = kernel // 2 * dilation
    conv = nn.Conv1d(width, width, kernel, dilation=dilation, padding=padding)
    return _conv_relu_norm(conv, nn.BatchNorm1d(width))


def _conv_relu_norm(conv: nn.Module, norm: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(conv=conv, relu=nn.ReLU(), bn=norm))
