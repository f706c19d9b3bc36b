"""Channel-attentive statistics pooling, in the variants of the field."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.masking import Mask, masked_mean, masked_variance
from diarspk.encoders.architectures.pooling.statistics import Pooling

__all__ = [
    "COQUI_ATTENTION",
    "ESPNET_ATTENTION",
    "SPEECHBRAIN_ATTENTION",
    "WESPEAKER_ATTENTION",
    "AttentionConfig",
    "ChannelAttentiveStatisticsPooling",
]


@dataclass(frozen=True)
class AttentionConfig:
    """Variant of :class:`ChannelAttentiveStatisticsPooling`.

    Attributes
    ----------
    bottleneck : int
        Hidden channels of the attention.
    context : bool
        Mean and standard deviation of the whole item as a further input of the attention.
    norm, tanh : bool
        ReLU with batch norm after the hidden layer; tanh after that.
    correction : int
        Subtracted from the divisor of the context's variance (1: unbiased).
    floor, ceiling : float
        Bounds of the variances.
    """

    bottleneck: int = 128
    context: bool = True
    norm: bool = True
    tanh: bool = False
    correction: int = 1
    floor: float = 1e-4
    ceiling: float = 1e4


ESPNET_ATTENTION = AttentionConfig()
"""ESPnet: ReLU, batch norm, no tanh; variances within 1e-4 and 1e4."""

WESPEAKER_ATTENTION = AttentionConfig(norm=False, tanh=True, floor=1e-7, ceiling=float("inf"))
"""WeSpeaker (ASTP with global context): tanh alone."""

SPEECHBRAIN_ATTENTION = AttentionConfig(tanh=True, correction=0, floor=1e-12, ceiling=float("inf"))
"""SpeechBrain: ReLU, batch norm, then tanh."""

COQUI_ATTENTION = AttentionConfig(context=False, floor=1e-5, ceiling=float("inf"))
"""Coqui's H/ASP: ReLU, batch norm; no context."""


class ChannelAttentiveStatisticsPooling(Pooling):
    """Channel- and context-dependent statistics (Desplanques et al. 2020, section 3.1).

    Each channel has weights of its own, a softmax over time; the statistics are the weighted mean
    and standard deviation.
    """

    def __init__(self, channels: int, config: AttentionConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or AttentionConfig()
        self.statistics = 2 * channels
        inputs = 3 * channels if config.context else channels
        self.linear1 = nn.Conv1d(inputs, config.bottleneck, 1)
        self.norm = nn.BatchNorm1d(config.bottleneck) if config.norm else None
        self.linear2 = nn.Conv1d(config.bottleneck, channels, 1)

    def forward(self, frames: Tensor, mask: Mask = None) -> Tensor:
        """See :meth:`Pooling.forward`."""
        x = frames.transpose(1, 2)  # (batch, channels, frames)
        if mask is not None:
            x = x.masked_fill(~mask[:, None], 0.0)
        weights = self._weights(x, mask)
        mean = (weights * x).sum(dim=-1)
        variance = (weights * (x - mean[..., None]).square()).sum(dim=-1)
        return torch.cat([mean, self._deviation(variance)], dim=1)

    def _weights(self, x: Tensor, mask: Mask) -> Tensor:
        """Compute weights ``(batch, channels, frames)`` that sum to one over valid frames."""
        hidden = self._hidden(x, mask)
        if self.norm is not None:
            hidden = self.norm(hidden.relu())
        if self.config.tanh:
            hidden = hidden.tanh()
        logits = self.linear2(hidden)
        if mask is not None:
            logits = logits.masked_fill(~mask[:, None], -torch.inf)
        return logits.softmax(dim=-1)

    def _hidden(self, x: Tensor, mask: Mask) -> Tensor:
        """Apply the first layer, to the context once instead of at every frame."""
        if not self.config.context:
            return self.linear1(x)
        variance = masked_variance(x, mask, correction=self.config.correction)
        context = torch.cat([masked_mean(x, mask), self._deviation(variance)], dim=1)
        own, rest = self.linear1.weight[:, : x.shape[1]], self.linear1.weight[:, x.shape[1] :]
        conv = nn.functional.conv1d
        return conv(x, own) + conv(context, rest, self.linear1.bias)

    def _deviation(self, variance: Tensor) -> Tensor:
        return variance.clamp(self.config.floor, self.config.ceiling).sqrt()
