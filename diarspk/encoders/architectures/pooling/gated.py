"""From frame features to one vector: poolings that take a weight for every frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["GatedStatisticsPooling", "sum_moments"]


class GatedStatisticsPooling(nn.Module):
    """Weighted mean and standard deviation, each frame weighted by a gate read from itself.

    Attentive statistics pooling (Okabe et al. 2018, section 3) with a sigmoid in the place of the
    softmax over time: a frame's weight then depends on that frame alone, so the statistics of any
    span are sums over its frames, and many spans share a single pass. Each of ``heads`` gates
    serves an equal share of the channels.

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
        """Mean and standard deviation of weighted frames."""
        return self.statistics(self.moments(frames, weights))

    def moments(self, frames: Tensor, weights: Tensor) -> Tensor:
        """Weighted sums of one, x and x squared: ``(batch, spans, heads, 1 + 2 width)``.

        They add: the moments of a long span are the sum of those of its parts.
        """
        return sum_moments(self.frame_moments(frames), weights)

    def frame_moments(self, frames: Tensor) -> Tensor:
        """Moments of every frame alone: ``(batch, frames, heads, 1 + 2 width)``.

        At least in single precision: a variance is a small difference of two of their sums.
        """
        wide = torch.promote_types(frames.dtype, torch.float32)
        gates = self.gate(frames).to(wide).sigmoid() + 1e-3  # never zero: any span has a mean
        gates = gates.unsqueeze(-1)
        split = frames.to(wide).view(*frames.shape[:2], self.heads, -1)
        gated = gates * split
        return torch.cat([gates, gated, gated * split], dim=-1)

    @staticmethod
    def statistics(moments: Tensor) -> Tensor:
        """Mean and standard deviation from :meth:`moments`: ``(batch, spans, 2 channels)``."""
        width = (moments.shape[-1] - 1) // 2
        total, first, second = torch.split(moments, [1, width, width], dim=-1)
        mean = first / total.clamp_min(1e-8)
        variance = second / total.clamp_min(1e-8) - mean.square()
        deviation = variance.clamp_min(1e-5).sqrt()
        return torch.cat([mean.flatten(2), deviation.flatten(2)], dim=-1)


def sum_moments(each: Tensor, weights: Tensor) -> Tensor:
    """Moments of spans from those of frames.

    Shape
    -----
    each ``(batch, frames, heads, sums)``, weights ``(batch, spans, frames)``
    -> ``(batch, spans, heads, sums)``
    """
    sums = weights.to(each.dtype) @ each.flatten(2)
    return sums.view(*sums.shape[:2], *each.shape[2:])
