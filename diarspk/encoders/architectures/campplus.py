"""CAM++: a densely connected time-delay network with context-aware masking.

Wang et al., "CAM++: A fast and efficient network for speaker verification using context-aware
masking", Interspeech 2023. Modules are named as in 3D-Speaker's and WeSpeaker's checkpoints
(``head.*``, ``xvector.*``), which load without renaming. The features that go with them are 80
log-mel bins of a waveform in [-1, 1] with Povey's window, less their mean over the utterance:
:data:`CAMPPLUS_FEATURES`. 7,176,224 parameters at 512 dimensions, classifier excluded.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import Mask, blank, masked_mean, strided
from diarspk.encoders.architectures.pooling.registry import build_pooling
from diarspk.features.log_mel import FeatureConfig

__all__ = [
    "CAMPPLUS_FEATURES",
    "CamPlusPlus",
    "CamPlusPlusConfig",
]

CAMPPLUS_FEATURES = FeatureConfig(window="povey", scale=1.0)
"""Log-mel settings of the published networks; the mean over the utterance is then subtracted."""

SEGMENT_FRAMES = 100
"""Frames that share a context vector (section 2.2)."""


@dataclass(frozen=True)
class CamPlusPlusConfig:
    """Dimensions of a :class:`CamPlusPlus`. Defaults: the paper's (table 1)."""

    mels: int = 80
    dimension: int = 512
    front_channels: int = 32
    first_channels: int = 128
    growth: int = 32
    bottleneck: int = 128
    layers: tuple[int, ...] = (12, 24, 16)
    dilations: tuple[int, ...] = (1, 2, 2)
    pooling: str = "unbiased-statistics"


class CamPlusPlus(Architecture):
    """Features ``(batch, frames, mels)`` to embeddings ``(batch, dimension)``.

    Frame features have half the frame rate.
    """

    stride = 2

    def __init__(self, config: CamPlusPlusConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or CamPlusPlusConfig()
        self.dimension = config.dimension
        self.head = FrequencyFront(config.front_channels)
        flattened = config.front_channels * -(-config.mels // 8)
        self.xvector = DenseTimeDelay(config, flattened)
        self.pool = build_pooling(config.pooling, self.xvector.channels)
        self.xvector.dense = Projection(self.pool.statistics, config.dimension)
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """See :meth:`Architecture.encode`."""
        x = self.head(features.transpose(1, 2), mask)
        x, mask = self.xvector(x, mask)
        return x.transpose(1, 2), mask

    def project(self, pooled: Tensor) -> Tensor:
        """See :meth:`Architecture.project`."""
        return self.xvector.dense(pooled.unsqueeze(-1)).squeeze(-1)


class FrequencyFront(nn.Module):
    """Two-dimensional convolutions that reduce the mel axis eightfold (section 2.3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.layer1 = nn.ModuleList([FrequencyBlock(channels, 2), FrequencyBlock(channels, 1)])
        self.layer2 = nn.ModuleList([FrequencyBlock(channels, 2), FrequencyBlock(channels, 1)])
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        """``(batch, mels, frames)`` to ``(batch, channels * mels / 8, frames)``."""
        x = self.bn1(self.conv1(blank(x, mask).unsqueeze(1))).relu()
        for block in (*self.layer1, *self.layer2):
            x = block(x, mask)
        x = self.bn2(self.conv2(blank(x, mask))).relu()
        return x.flatten(1, 2)


class FrequencyBlock(nn.Module):
    """Residual block of two 3 x 3 convolutions, strided over frequency only."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, stride=(stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride != 1:
            reduce = nn.Conv2d(channels, channels, 1, stride=(stride, 1), bias=False)
            self.shortcut = nn.Sequential(reduce, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        y = self.bn1(self.conv1(blank(x, mask))).relu()
        y = self.bn2(self.conv2(blank(y, mask)))
        return (y + self.shortcut(x)).relu()


class DenseTimeDelay(nn.Module):
    """Strided time-delay layer, then dense blocks joined by transitions."""

    def __init__(self, config: CamPlusPlusConfig, inputs: int) -> None:
        super().__init__()
        channels = config.first_channels
        self.blocks = len(config.layers)
        first = nn.Conv1d(inputs, channels, 5, stride=2, padding=2, bias=False)
        self.tdnn = nn.Sequential(OrderedDict(linear=first, nonlinear=_norm_relu(channels)))
        stages = zip(config.layers, config.dilations, strict=True)
        for index, (layers, dilation) in enumerate(stages, start=1):
            block = DenseBlock(config, channels, layers=layers, dilation=dilation)
            self.add_module(f"block{index}", block)
            channels += layers * config.growth
            self.add_module(f"transit{index}", Transition(channels, channels // 2))
            channels //= 2
        self.out_nonlinear = _norm_relu(channels)
        self.channels = channels
        self.dense: Projection  # set by the network that knows the pooling

    def forward(self, x: Tensor, mask: Mask) -> tuple[Tensor, Mask]:
        """``(batch, inputs, frames)`` to ``(batch, channels, ceil(frames / 2))``."""
        x = self.tdnn(blank(x, mask))
        mask = strided(mask, 2)
        for index in range(1, self.blocks + 1):
            x = self.get_submodule(f"block{index}")(x, mask)
            x = self.get_submodule(f"transit{index}")(x)
        return self.out_nonlinear(x), mask


class DenseBlock(nn.Module):
    """Densely connected layers: each appends channels computed from all before (DenseNet)."""

    def __init__(
        self, config: CamPlusPlusConfig, channels: int, *, layers: int, dilation: int
    ) -> None:
        super().__init__()
        for index in range(layers):
            layer = DenseLayer(channels + index * config.growth, config, dilation)
            self.add_module(f"tdnnd{index + 1}", layer)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        for layer in self.children():
            x = torch.cat([x, layer(x, mask)], dim=1)
        return x


class DenseLayer(nn.Module):
    """Bottleneck, then a context-aware masked time-delay layer of ``growth`` channels."""

    def __init__(self, channels: int, config: CamPlusPlusConfig, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _norm_relu(channels)
        self.linear1 = nn.Conv1d(channels, config.bottleneck, 1, bias=False)
        self.nonlinear2 = _norm_relu(config.bottleneck)
        self.cam_layer = ContextAwareMasking(config.bottleneck, config.growth, dilation)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        x = self.nonlinear2(self.linear1(self.nonlinear1(x)))
        return self.cam_layer(blank(x, mask), mask)


class ContextAwareMasking(nn.Module):
    """Time-delay layer whose channels are gated by context (equations 2 to 5).

    The context of a frame is the mean of the utterance plus the mean of the frame's segment.
    """

    def __init__(self, channels: int, growth: int, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(
            channels, growth, 3, padding=dilation, dilation=dilation, bias=False
        )
        self.linear1 = nn.Conv1d(channels, channels // 2, 1)
        self.linear2 = nn.Conv1d(channels // 2, growth, 1)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        """Take ``(batch, channels, frames)`` that is zero outside ``mask``."""
        segments = masked_mean(x, mask) + _segment_means(x, mask)  # (batch, channels, segments)
        gates = self.linear2(self.linear1(segments).relu()).sigmoid()
        gates = gates.unsqueeze(-1).expand(-1, -1, -1, SEGMENT_FRAMES).flatten(2)
        return self.linear_local(x) * gates[..., : x.shape[-1]]


class Transition(nn.Module):
    """Halve the channels between dense blocks."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.nonlinear = _norm_relu(before)
        self.linear = nn.Conv1d(before, after, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.nonlinear(x))


class Projection(nn.Module):
    """Affine map from statistics to an embedding, and batch norm without scale."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(before, after, 1, bias=False)
        self.nonlinear = nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(after, affine=False)))

    def forward(self, x: Tensor) -> Tensor:
        return self.nonlinear(self.linear(x))


def _norm_relu(channels: int) -> nn.Sequential:
    return nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(channels), relu=nn.ReLU()))


def _segment_means(x: Tensor, mask: Mask) -> Tensor:
    """Mean of every segment over valid frames: ``(batch, channels, segments)``."""
    frames = torch.ones_like(x[:1, :1]) if mask is None else mask.to(x.dtype).unsqueeze(1)
    return _segment_sums(x) / _segment_sums(frames).clamp_min(1.0)


def _segment_sums(x: Tensor) -> Tensor:
    padded = nn.functional.pad(x, (0, -x.shape[-1] % SEGMENT_FRAMES))
    return padded.view(*x.shape[:-1], -1, SEGMENT_FRAMES).sum(-1)
