"""ResNet-34 with squeeze and excitation and attentive statistics: H/ASP.

Heo et al., "Clova baseline system for the VoxCeleb Speaker Recognition Challenge 2020" (2020). The
synthesizers YourTTS and XTTS read its vectors. Modules are named as in Coqui's checkpoints but for
the pooling, and batch norm follows the units, as there.

Parameters at 512 dimensions: 8,028,492.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import Mask, blank, masked_mean, strided
from diarspk.encoders.architectures.pooling.registry import build_pooling

__all__ = ["SeResNet", "SeResNetConfig"]


@dataclass(frozen=True)
class SeResNetConfig:
    """Dimensions of a :class:`SeResNet`. Defaults: Coqui's.

    Attributes
    ----------
    blocks, channels : tuple of int
        Residual blocks and channels of each of the four stages.
    reduction : int
        Ratio of channels to the hidden units of an excitation.
    """

    mels: int = 64
    dimension: int = 512
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    channels: tuple[int, int, int, int] = (32, 64, 128, 256)
    reduction: int = 8
    pooling: str = "channel-attentive-coqui"


class SeResNet(Architecture):
    """Features ``(batch, frames, mels)`` to embeddings ``(batch, dimension)``.

    Excitations look at the whole item, so audio of others has to be cut out.
    """

    stride = 8

    def __init__(self, config: SeResNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or SeResNetConfig()
        self.dimension = config.dimension
        self.conv1 = nn.Conv2d(1, config.channels[0], 3, padding=1)
        self.bn1 = nn.BatchNorm2d(config.channels[0])
        before = config.channels[0]
        for number, (blocks, channels) in enumerate(
            zip(config.blocks, config.channels, strict=True), start=1
        ):
            stage = nn.ModuleList()
            for index in range(blocks):
                stride = 2 if number > 1 and index == 0 else 1
                stage.append(SeBlock(before, channels, stride, config.reduction))
                before = channels
            self.add_module(f"layer{number}", stage)
        self.pool = build_pooling(config.pooling, before * -(-config.mels // 8))
        self.fc = nn.Linear(self.pool.statistics, config.dimension)

    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """See :meth:`Architecture.encode`."""
        x = blank(features.transpose(1, 2), mask).unsqueeze(1)  # (batch, 1, mels, frames)
        x = self.bn1(self.conv1(x).relu())
        for number in range(1, 5):
            for block in self.get_submodule(f"layer{number}").children():
                x, mask = block(x, mask)
        return x.flatten(1, 2).transpose(1, 2), mask

    def project(self, pooled: Tensor) -> Tensor:
        """See :meth:`Architecture.project`."""
        return self.fc(pooled)


class SeBlock(nn.Module):
    """Residual block of two 3 x 3 convolutions and an excitation of each channel."""

    def __init__(self, before: int, channels: int, stride: int, reduction: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(before, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.se = Excitation(channels, reduction)
        self.downsample = nn.Sequential()
        if stride != 1 or before != channels:
            conv = nn.Conv2d(before, channels, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor, mask: Mask) -> tuple[Tensor, Mask]:
        after = strided(mask, self.stride)
        y = self.bn1(self.conv1(blank(x, mask)).relu())
        y = self.se(self.bn2(self.conv2(blank(y, after))), after)
        return (y + self.downsample(x)).relu(), after


class Excitation(nn.Module):
    """Scale of each channel from its mean over frequency and time."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = channels // reduction
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        mean = masked_mean(x, mask).mean(dim=(2, 3))  # (batch, channels)
        return x * self.fc(mean)[..., None, None]
