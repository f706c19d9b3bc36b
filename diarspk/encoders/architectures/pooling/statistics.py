"""The signature of poolings; mean, standard deviation, and learnable dictionary encoding."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.masking import Mask, masked_mean, masked_variance

__all__ = [
    "DictionaryPooling",
    "MeanPooling",
    "Pooling",
    "StatisticsPooling",
    "TemporalStatisticsPooling",
]

MIN_VARIANCE = 1e-12
"""Floor below which the gradient of the square root is zero: at zero it would be infinite."""


class Pooling(nn.Module, ABC):
    """Pooling of frame features of any length to one vector.

    Shape
    -----
    frames ``(batch, frames, channels)``, mask ``(batch, frames)`` of bool or None
    -> ``(batch, statistics)``

    Attributes
    ----------
    statistics : int
        Number of dimensions of the vector.
    """

    statistics: int

    @abstractmethod
    def forward(self, frames: Tensor, mask: Mask = None) -> Tensor:
        """Pool the valid frames of each item."""


class MeanPooling(Pooling):
    """Temporal mean of each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.statistics = channels

    def forward(self, frames: Tensor, mask: Mask = None) -> Tensor:
        """See :meth:`Pooling.forward`."""
        return masked_mean(frames.transpose(1, 2), mask).squeeze(-1)


class StatisticsPooling(Pooling):
    """Mean and standard deviation of each channel (Snyder et al. 2018, section 2.1).

    Parameters
    ----------
    channels
        Channels of the frames.
    correction
        Subtracted from the divisor of the variance: 0 in ESPnet, 1 in 3D-Speaker.
    """

    def __init__(self, channels: int, *, correction: int = 0) -> None:
        super().__init__()
        self.statistics = 2 * channels
        self.correction = correction

    def forward(self, frames: Tensor, mask: Mask = None) -> Tensor:
        """See :meth:`Pooling.forward`."""
        x = frames.transpose(1, 2)  # (batch, channels, frames)
        variance = masked_variance(x, mask, correction=self.correction)
        return torch.cat([masked_mean(x, mask), self.deviation(variance)], dim=1).squeeze(-1)

    def deviation(self, variance: Tensor) -> Tensor:
        """Square root with a finite gradient where a channel is constant."""
        return variance.clamp_min(MIN_VARIANCE).sqrt()


class TemporalStatisticsPooling(StatisticsPooling):
    """Mean and unbiased standard deviation of WeSpeaker's ResNets (TSTP)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, correction=1)

    def deviation(self, variance: Tensor) -> Tensor:
        """Square root of the variance plus 1e-7."""
        return (variance + 1e-7).sqrt()


class DictionaryPooling(Pooling):
    """Learnable dictionary encoding (Cai et al. 2018, "Exploring the encoding layer ...").

    A frame ``x_t`` belongs to component ``c`` to the degree
    ``w_tc = softmax_c(-s_c ||x_t - m_c||^2)``; the encoding is, for every component, the mean over
    time of ``w_tc (x_t - m_c)``. Centres ``m_c`` and scales ``s_c`` are learned.

    Parameters
    ----------
    channels
        Channels of the frames.
    components
        Entries of the dictionary; the encoding has ``components * channels`` elements.
    """

    def __init__(self, channels: int, *, components: int = 64) -> None:
        super().__init__()
        self.statistics = components * channels
        self.centres = nn.Parameter(torch.randn(components, channels))
        self.scales = nn.Parameter(torch.ones(components) / channels)

    def forward(self, frames: Tensor, mask: Mask = None) -> Tensor:
        """See :meth:`Pooling.forward`."""
        if mask is not None:
            frames = frames.masked_fill(~mask[..., None], 0.0)
        # ||x - m||^2 expanded: no tensor (batch, frames, components, channels) is needed.
        distance = (
            frames.square().sum(-1, keepdim=True)
            - 2 * frames @ self.centres.T
            + self.centres.square().sum(-1)
        )
        weights = (-self.scales * distance).softmax(dim=-1)  # (batch, frames, components)
        if mask is not None:
            weights = weights.masked_fill(~mask[..., None], 0.0)
        count = frames.shape[1] if mask is None else mask.sum(-1)[:, None, None].clamp_min(1)
        total = weights.sum(1).unsqueeze(-1)  # (batch, components, 1)
        residuals = weights.transpose(1, 2) @ frames - total * self.centres
        return (residuals / count).flatten(1)
