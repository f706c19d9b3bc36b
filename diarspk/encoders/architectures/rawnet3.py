"""RawNet3: an embedding straight from the waveform.

Jung et al., "Pushing the limits of raw waveform speaker recognition", Interspeech 2022, in
ESPnet-SPK's form: a parametric sinc filterbank in ``front``, Res2 blocks with feature-map scaling,
and channel-attentive statistics. 16,082,368 parameters, classifier and filterbank excluded.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import (
    Mask,
    blank,
    masked_mean,
    masked_variance,
    windowed,
)
from diarspk.encoders.architectures.pooling.registry import build_pooling
from diarspk.encoders.architectures.sinc import SincFilters

__all__ = ["RawNet3", "RawNet3Config", "SincFront"]


@dataclass(frozen=True)
class RawNet3Config:
    """Dimensions of a :class:`RawNet3`. Defaults: ESPnet's."""

    dimension: int = 192
    filters: int = 256
    kernel: int = 251  # samples
    filter_stride: int = 16  # samples
    channels: int = 1024
    scale: int = 8
    aggregated: int = 1536
    sample_rate: int = SAMPLE_RATE
    pooling: str = "channel-attentive"


class RawNet3(Architecture):
    """Waveforms ``(batch, time)`` at 16 kHz to embeddings ``(batch, dimension)``.

    The hop of frame features is 240 samples (15 ms).
    """

    def __init__(self, config: RawNet3Config | None = None) -> None:
        super().__init__()
        self.config = config = config or RawNet3Config()
        self.dimension = config.dimension
        self.stride = 15 * config.filter_stride
        self.minimum = config.kernel + 14 * config.filter_stride
        self.offset = self.minimum // 2
        channels, scale = config.channels, config.scale
        self.front = SincFront(config)
        self.layer1 = ScaledRes2Block(config.filters, channels, dilation=2, scale=scale, pool=5)
        self.layer2 = ScaledRes2Block(channels, channels, dilation=3, scale=scale, pool=3)
        self.layer3 = ScaledRes2Block(channels, channels, dilation=4, scale=scale)
        self.layer4 = nn.Conv1d(3 * channels, config.aggregated, 1)
        self.pool = build_pooling(config.pooling, config.aggregated)
        self.bn = nn.BatchNorm1d(self.pool.statistics)
        self.linear = nn.Linear(self.pool.statistics, config.dimension)

    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """See :meth:`Architecture.encode`."""
        x, mask = self.front(features, mask)
        first, mask = self.layer1(x, mask)
        second, mask = self.layer2(first, mask)
        first = nn.functional.max_pool1d(first, 3)
        third, _ = self.layer3(first + second, mask)
        x = self.layer4(torch.cat([first, second, third], dim=1)).relu()
        return x.transpose(1, 2), mask

    def project(self, pooled: Tensor) -> Tensor:
        """See :meth:`Architecture.project`."""
        return self.linear(self.bn(pooled))


class SincFront(nn.Module):
    """Log magnitudes of a sinc filterbank (section 3.1).

    Pre-emphasis, instance normalisation of the waveform, filters with learned edges, logarithm, and
    mean normalisation over time.

    Shape
    -----
    ``(batch, time)`` -> ``(batch, filters, frames)``
    """

    def __init__(self, config: RawNet3Config) -> None:
        super().__init__()
        self.kernel, self.filter_stride = config.kernel, config.filter_stride
        self.scale = nn.Parameter(torch.ones(1))
        self.offset = nn.Parameter(torch.zeros(1))
        self.bank = SincFilters(config.filters // 2, config.kernel, config.sample_rate)

    def forward(self, waveform: Tensor, mask: Mask) -> tuple[Tensor, Mask]:
        """Compute log magnitudes, and the mask of their frames."""
        # Reflection: x[-1] is taken as x[1], where Kaldi takes x[0].
        before = nn.functional.pad(waveform[:, None], (1, 0), mode="reflect")[..., :-1]
        x = waveform[:, None] - 0.97 * before  # (batch, 1, time)
        variance = masked_variance(x, mask, correction=0)
        x = (x - masked_mean(x, mask)) / (variance + 1e-4).sqrt() * self.scale + self.offset
        x = nn.functional.conv1d(x, self.bank(), stride=self.filter_stride)
        mask = windowed(mask, self.kernel, self.filter_stride)
        x = (x.abs() + 1e-6).log()
        return x - masked_mean(x, mask), mask


class ScaledRes2Block(nn.Module):
    """Res2 block, max-pooling over ``pool`` frames, and feature-map scaling (figure 2)."""

    def __init__(
        self, before: int, after: int, *, dilation: int, scale: int, pool: int = 1
    ) -> None:
        super().__init__()
        self.scale, self.size = scale, pool
        width = after // scale
        self.conv1 = nn.Conv1d(before, width * scale, 1)
        self.bn1 = nn.BatchNorm1d(width * scale)
        self.convs = nn.ModuleList(
            nn.Conv1d(width, width, 3, dilation=dilation, padding=dilation)
            for _ in range(scale - 1)
        )
        self.bns = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(scale - 1))
        self.conv3 = nn.Conv1d(width * scale, after, 1)
        self.bn3 = nn.BatchNorm1d(after)
        self.afms = FeatureMapScaling(after)
        self.residual = nn.Sequential()
        if before != after:
            self.residual.append(nn.Conv1d(before, after, 1, bias=False))

    def forward(self, x: Tensor, mask: Mask) -> tuple[Tensor, Mask]:
        *groups, untouched = self.bn1(self.conv1(x).relu()).chunk(self.scale, dim=1)
        outputs: list[Tensor] = []
        for group, conv, norm in zip(groups, self.convs, self.bns, strict=True):
            y = group + outputs[-1] if outputs else group
            outputs.append(norm(conv(blank(y, mask)).relu()))
        y = self.bn3(self.conv3(torch.cat([*outputs, untouched], dim=1)).relu())
        y = y + self.residual(x)
        if self.size > 1:
            y = nn.functional.max_pool1d(y, self.size)
            mask = windowed(mask, self.size, self.size)
        return self.afms(y, mask), mask


class FeatureMapScaling(nn.Module):
    """``(x + alpha) * sigmoid(affine(mean over time of x))`` (Jung et al. 2020, equation 2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(channels, 1))
        self.fc = nn.Linear(channels, channels)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        gate = self.fc(masked_mean(x, mask).squeeze(-1)).sigmoid()
        return (x + self.alpha) * gate.unsqueeze(-1)
