"""ECAPA-TDNN: squeeze-excited Res2 blocks, aggregated, with channel-attentive statistics.

Desplanques et al., "ECAPA-TDNN: emphasized channel attention, propagation and aggregation in TDNN
based speaker verification", Interspeech 2020, section 3. The implementations of the field differ in
details that matter to their checkpoints; each is a named configuration here. Modules are named as
in WeSpeaker's checkpoints.

Parameters, classifier excluded: WeSpeaker 6,190,720 (512 channels) and 14,657,088 (1024); ESPnet
6,191,744 and 14,658,112; SpeechBrain 20,767,552.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import Mask, blank, masked_mean, reflect
from diarspk.encoders.architectures.pooling.registry import build_pooling

__all__ = [
    "ESPNET_ECAPA",
    "SPEECHBRAIN_ECAPA",
    "WESPEAKER_ECAPA",
    "EcapaTdnn",
    "EcapaTdnnConfig",
    "SqueezeExcitation",
]


@dataclass(frozen=True)
class EcapaTdnnConfig:
    """Dimensions and variants of an :class:`EcapaTdnn`. Defaults: ESPnet's.

    Attributes
    ----------
    aggregated : int
        Channels after the aggregation of the three blocks.
    dense : bool
        Whether the input of a block is the sum of all outputs before it, as in the paper, or the
        last output alone.
    squeeze_norm : bool
        Whether the squeeze-excitation has a batch norm.
    aggregation_norm : bool
        Whether a batch norm follows the aggregation.
    untouched : int
        Index of the group of channels that passes a Res2 block unchanged: 0 or -1.
    reflect : bool
        Reflection padding of the convolutions, in place of zero padding.
    """

    mels: int = 80
    channels: int = 1024
    dimension: int = 192
    aggregated: int = 1536
    scale: int = 8
    bottleneck: int = 128
    dense: bool = True
    squeeze_norm: bool = True
    aggregation_norm: bool = False
    untouched: int = -1
    reflect: bool = False
    pooling: str = "channel-attentive"


ESPNET_ECAPA = EcapaTdnnConfig()
"""ESPnet-SPK: as in the paper, with convolution, ReLU, batch norm in this order."""

WESPEAKER_ECAPA = EcapaTdnnConfig(
    channels=512, dense=False, squeeze_norm=False, pooling="channel-attentive-wespeaker"
)
"""WeSpeaker's ECAPA_TDNN_GLOB_c512; ECAPA_TDNN_GLOB_c1024 has 1024 channels."""

SPEECHBRAIN_ECAPA = EcapaTdnnConfig(
    aggregated=3072,
    dense=False,
    squeeze_norm=False,
    aggregation_norm=True,
    untouched=0,
    reflect=True,
    pooling="channel-attentive-speechbrain",
)
"""SpeechBrain's spkrec-ecapa-voxceleb."""


class EcapaTdnn(Architecture):
    """Features ``(batch, frames, mels)`` to embeddings ``(batch, dimension)``."""

    def __init__(self, config: EcapaTdnnConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or EcapaTdnnConfig()
        self.dimension = config.dimension
        self.minimum = 5 if config.reflect else 1  # reflection by 4 frames needs 5
        self.layer1 = ConvReluNorm(config.mels, config.channels, kernel=5, mirror=config.reflect)
        self.layer2 = SqueezedRes2Block(config, dilation=2)
        self.layer3 = SqueezedRes2Block(config, dilation=3)
        self.layer4 = SqueezedRes2Block(config, dilation=4)
        self.conv = nn.Conv1d(3 * config.channels, config.aggregated, 1)
        self.conv_bn = (
            nn.BatchNorm1d(config.aggregated) if config.aggregation_norm else nn.Identity()
        )
        self.pool = build_pooling(config.pooling, config.aggregated)
        self.bn = nn.BatchNorm1d(self.pool.statistics)
        self.linear = nn.Linear(self.pool.statistics, config.dimension)

    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """See :meth:`Architecture.encode`."""
        x = self.layer1(features.transpose(1, 2), mask)
        first = self.layer2(x, mask)
        second = self.layer3(x + first if self.config.dense else first, mask)
        third = self.layer4(x + first + second if self.config.dense else second, mask)
        x = self.conv(torch.cat([first, second, third], dim=1)).relu()
        return self.conv_bn(x).transpose(1, 2), mask

    def project(self, pooled: Tensor) -> Tensor:
        """See :meth:`Architecture.project`."""
        return self.linear(self.bn(pooled))


class ConvReluNorm(nn.Module):
    """Convolution of the same length, ReLU, batch norm."""

    def __init__(
        self, before: int, after: int, *, kernel: int = 1, dilation: int = 1, mirror: bool = False
    ) -> None:
        super().__init__()
        self.reach = kernel // 2 * dilation
        self.mirror = mirror and self.reach > 0
        padding = 0 if self.mirror else self.reach
        self.conv = nn.Conv1d(before, after, kernel, dilation=dilation, padding=padding)
        self.bn = nn.BatchNorm1d(after)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        if self.mirror:
            x = reflect(x, mask, self.reach)
        elif self.reach:
            x = blank(x, mask)
        return self.bn(self.conv(x).relu())


class SqueezedRes2Block(nn.Module):
    """SE-Res2 block: convolution, Res2 convolutions, convolution, squeeze-excitation, residual."""

    def __init__(self, config: EcapaTdnnConfig, *, dilation: int) -> None:
        super().__init__()
        channels = config.channels
        squeeze = SqueezeExcitation(channels, config.bottleneck, norm=config.squeeze_norm)
        self.se_res2block = nn.ModuleList(
            [
                ConvReluNorm(channels, channels),
                Res2Convolutions(config, dilation),
                ConvReluNorm(channels, channels),
                squeeze,
            ]
        )

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        y = x
        for layer in self.se_res2block:
            y = layer(y, mask)
        return x + y


class Res2Convolutions(nn.Module):
    """Hierarchical convolutions of groups of channels (Gao et al. 2019, Res2Net)."""

    def __init__(self, config: EcapaTdnnConfig, dilation: int) -> None:
        super().__init__()
        self.scale, self.untouched = config.scale, config.untouched
        self.reach, self.mirror = dilation, config.reflect
        width, padding = config.channels // config.scale, 0 if config.reflect else dilation
        self.convs = nn.ModuleList(
            nn.Conv1d(width, width, 3, dilation=dilation, padding=padding)
            for _ in range(config.scale - 1)
        )
        self.bns = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(config.scale - 1))

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        groups = list(x.chunk(self.scale, dim=1))
        untouched = groups.pop(self.untouched)
        outputs: list[Tensor] = []
        for group, conv, norm in zip(groups, self.convs, self.bns, strict=True):
            y = group + outputs[-1] if outputs else group
            y = reflect(y, mask, self.reach) if self.mirror else blank(y, mask)
            outputs.append(norm(conv(y).relu()))
        outputs.insert(0 if self.untouched == 0 else len(outputs), untouched)
        return torch.cat(outputs, dim=1)


class SqueezeExcitation(nn.Module):
    """Squeeze-and-excitation: channels gated by their means over time (Hu et al. 2018)."""

    def __init__(self, channels: int, bottleneck: int, *, norm: bool) -> None:
        super().__init__()
        self.linear1 = nn.Linear(channels, bottleneck)
        self.norm = nn.BatchNorm1d(bottleneck) if norm else nn.Identity()
        self.linear2 = nn.Linear(bottleneck, channels)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        """``(batch, channels, frames)`` -> the same."""
        squeezed = self.norm(self.linear1(masked_mean(x, mask).squeeze(-1)).relu())
        return x * self.linear2(squeezed).sigmoid().unsqueeze(-1)
