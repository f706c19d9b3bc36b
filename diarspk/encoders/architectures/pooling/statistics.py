"""The signature of poolings, and the poolings without weights: mean, and standard deviation."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.masking import Mask, masked_mean, masked_variance

__all__ = ["MeanPooling", "Pooling", "StatisticsPooling", "TemporalStatisticsPooling"]

SMALLEST_VARIANCE = 1e-12
"""Below it the gradient of a square root is taken as zero, not as infinite."""


class Pooling(nn.Module, ABC):
    """Frame features of any number of frames to one vector.

    Shape
    -----
    frames ``(batch, frames, channels)``, mask ``(batch, frames)`` of bool or None
    -> ``(batch, statistics)``

    Attributes
    ----------
    statistics : int
        Length of the vector.
    """

    statistics: int

    @abstractmethod
    def forward(self, frames: Tensor, mask: Mask = None) -> Tensor:
        """Pool each item's own frames."""


class MeanPooling(Pooling):
    """Mean of the frames of each channel."""

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
        Frames taken off the divisor of the variance: 0 in ESPnet, 1 in 3D-Speaker.
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
        """Square root that is safe where a channel never changes."""
        return variance.clamp_min(SMALLEST_VARIANCE).sqrt()


class TemporalStatisticsPooling(StatisticsPooling):
    """Mean and unbiased standard deviation as WeSpeaker's ResNets take them (TSTP)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, correction=1)

    def deviation(self, variance: Tensor) -> Tensor:
        """Square root of the variance and a floor that is added to it."""
        return (variance + 1e-7).sqrt()
