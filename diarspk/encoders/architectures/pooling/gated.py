"""Gated statistics pooling: additive over frames, so many spans share one pass."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["GatedStatisticsPooling", "sum_moments"]


class GatedStatisticsPooling(nn.Module):
    """Mean and standard deviation weighted by gates that depend on one frame each.

    Attentive statistics pooling (Okabe et al. 2018, section 3) with a sigmoid in place of the
    softmax over time: the weight of a frame depends on that frame alone, so the statistics of any
    span are sums over its frames. Each of ``heads`` gates serves an equal share of the channels.

    Shape
    -----
    frames ``(batch, frames, channels)``, weights ``(batch, spans, frames)`` in [0, 1]
    -> ``(batch, spans, 2 * channels)``: mean, then standard deviation.
    """

    def __init__(self, channels: int, *, heads: int = 8, bottleneck: int = 128) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"`channels` must be a multiple of heads={heads}, got {channels}.")
        self.heads = heads
        self.gate = nn.Sequential(
            nn.Linear(channels, bottleneck), nn.Tanh(), nn.Linear(bottleneck, heads)
        )

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        """Compute mean and standard deviation of weighted frames."""
        return self.statistics(self.moments(frames, weights))

    def moments(self, frames: Tensor, weights: Tensor) -> Tensor:
        """Compute weighted sums of 1, x and x squared: ``(batch, spans, heads, 1 + 2 width)``.

        They are additive: the moments of a span are the sum over its parts.
        """
        return sum_moments(self.frame_moments(frames), weights)

    def frame_moments(self, frames: Tensor) -> Tensor:
        """Compute the moments of each frame: ``(batch, frames, heads, 1 + 2 width)``."""
        # At least float32: the variance is a small difference of two large sums.
        wide = torch.promote_types(frames.dtype, torch.float32)
        gates = self.gate(frames).to(wide).sigmoid() + 1e-3  # above zero, so any span has a mean
        gates = gates.unsqueeze(-1)
        split = frames.to(wide).view(*frames.shape[:2], self.heads, -1)
        gated = gates * split
        return torch.cat([gates, gated, gated * split], dim=-1)

    @staticmethod
    def statistics(moments: Tensor) -> Tensor:
        """Compute mean and standard deviation of moments: ``(batch, spans, 2 channels)``."""
        width = (moments.shape[-1] - 1) // 2
        total, first, second = torch.split(moments, [1, width, width], dim=-1)
        mean = first / total.clamp_min(1e-8)
        variance = second / total.clamp_min(1e-8) - mean.square()
        deviation = variance.clamp_min(1e-5).sqrt()
        return torch.cat([mean.flatten(2), deviation.flatten(2)], dim=-1)


def sum_moments(each: Tensor, weights: Tensor) -> Tensor:
    """Sum the moments of frames to those of spans.

    Shape
    -----
    each ``(batch, frames, heads, sums)``, weights ``(batch, spans, frames)``
    -> ``(batch, spans, heads, sums)``
    """
    sums = weights.to(each.dtype) @ each.flatten(2)
    return sums.view(*sums.shape[:2], *each.shape[2:])
