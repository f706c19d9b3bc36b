"""ResNets of 18 to 293 layers over time and frequency.

The speaker networks of WeSpeaker (Wang et al., "WeSpeaker: a research and production oriented
speaker embedding learning toolkit", ICASSP 2023), after He et al. 2016 with a 3 x 3 first layer,
few channels and no max-pooling. Modules are named as in WeSpeaker's and pyannote's checkpoints.

Parameters at 256 dimensions, classifier excluded: ResNet18 4,105,440, ResNet34 6,634,336, ResNet50
11,131,360, ResNet101 15,892,448, ResNet152 19,814,880, ResNet221 23,792,224, ResNet293 28,626,016.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import Mask, blank, strided
from diarspk.encoders.architectures.pooling.registry import build_pooling

__all__ = [
    "RESNET18",
    "RESNET34",
    "RESNET50",
    "RESNET101",
    "RESNET152",
    "RESNET221",
    "RESNET293",
    "ResNet",
    "ResNetConfig",
]


@dataclass(frozen=True)
class ResNetConfig:
    """Dimensions of a :class:`ResNet`.

    Attributes
    ----------
    blocks : tuple of int
        Residual blocks of each of the four stages.
    bottleneck : bool
        Blocks of three convolutions, the last with four times the channels.
    two_layers : bool
        Second affine layer after the first, with ReLU and batch norm between them.
    """

    blocks: tuple[int, int, int, int]
    bottleneck: bool = False
    mels: int = 80
    dimension: int = 256
    channels: int = 32
    two_layers: bool = False
    pooling: str = "temporal-statistics"


RESNET18 = ResNetConfig((2, 2, 2, 2))
RESNET34 = ResNetConfig((3, 4, 6, 3))
RESNET50 = ResNetConfig((3, 4, 6, 3), bottleneck=True)
RESNET101 = ResNetConfig((3, 4, 23, 3), bottleneck=True)
RESNET152 = ResNetConfig((3, 8, 36, 3), bottleneck=True)
RESNET221 = ResNetConfig((6, 16, 48, 3), bottleneck=True)
RESNET293 = ResNetConfig((10, 20, 64, 3), bottleneck=True)


class ResNet(Architecture):
    """Features ``(batch, frames, mels)`` to embeddings ``(batch, dimension)``.

    Frame features have an eighth of the frame rate and ``channels * mels`` channels, four times as
    many with bottlenecks.
    """

    stride = 8
    local = True

    def __init__(self, config: ResNetConfig = RESNET34) -> None:
        super().__init__()
        self.config = config
        self.dimension = config.dimension
        self.conv1 = nn.Conv2d(1, config.channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(config.channels)
        self.channels = config.channels
        self.layer1 = self._stage(config.channels, config.blocks[0], stride=1)
        self.layer2 = self._stage(2 * config.channels, config.blocks[1], stride=2)
        self.layer3 = self._stage(4 * config.channels, config.blocks[2], stride=2)
        self.layer4 = self._stage(8 * config.channels, config.blocks[3], stride=2)
        self.pool = build_pooling(config.pooling, self.channels * -(-config.mels // 8))
        self.seg_1 = nn.Linear(self.pool.statistics, config.dimension)
        if config.two_layers:
            self.seg_bn_1 = nn.BatchNorm1d(config.dimension, affine=False)
            self.seg_2 = nn.Linear(config.dimension, config.dimension)

    def _stage(self, channels: int, blocks: int, *, stride: int) -> nn.ModuleList:
        """Residual blocks, the first with the stride."""
        kind = Bottleneck if self.config.bottleneck else BasicBlock
        stage = nn.ModuleList()
        for index in range(blocks):
            stage.append(kind(self.channels, channels, stride if index == 0 else 1))
            self.channels = channels * kind.expansion
        return stage

    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """See :meth:`Architecture.encode`."""
        x = blank(features.transpose(1, 2), mask).unsqueeze(1)  # (batch, 1, mels, frames)
        x = self.bn1(self.conv1(x)).relu()
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            for block in stage:
                x, mask = block(x, mask)
        return x.flatten(1, 2).transpose(1, 2), mask

    def project(self, pooled: Tensor) -> Tensor:
        """See :meth:`Architecture.project`."""
        embedding = self.seg_1(pooled)
        if self.config.two_layers:
            embedding = self.seg_2(self.seg_bn_1(embedding.relu()))
        return embedding


class BasicBlock(nn.Module):
    """Residual block of two 3 x 3 convolutions."""

    expansion = 1

    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(before, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = _shortcut(before, channels, stride)

    def forward(self, x: Tensor, mask: Mask) -> tuple[Tensor, Mask]:
        after = strided(mask, self.stride)
        y = self.bn1(self.conv1(blank(x, mask))).relu()
        y = self.bn2(self.conv2(blank(y, after)))
        return (y + self.shortcut(x)).relu(), after


class Bottleneck(nn.Module):
    """Residual block of 1 x 1, 3 x 3 and widening 1 x 1 convolutions."""

    expansion = 4

    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        after = channels * self.expansion
        self.conv1 = nn.Conv2d(before, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(after)
        self.shortcut = _shortcut(before, after, stride)

    def forward(self, x: Tensor, mask: Mask) -> tuple[Tensor, Mask]:
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(blank(y, mask))).relu()
        y = self.bn3(self.conv3(y))
        return (y + self.shortcut(x)).relu(), strided(mask, self.stride)


def _shortcut(before: int, after: int, stride: int) -> nn.Sequential:
    if stride == 1 and before == after:
        return nn.Sequential()
    conv = nn.Conv2d(before, after, 1, stride=stride, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after))
