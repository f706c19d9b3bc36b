"""The local trunk: log-mel features to frame features that depend on two seconds around them.

The mean of the three seconds around a frame is taken off its mel bins, which removes the channel;
the energy of the frame is kept beside them. A small two-dimensional convolutional front (as CAM++
and ResNets have; it shares filters across frequency) is followed by residual time-delay layers.
Nothing looks at the whole utterance, so a recording of any length streams through in blocks, and a
span can be pooled from a single pass.

Every layer is written on ``(batch, frames, channels)``; a time-delay layer is Kaldi's "splice, then
affine", which is one matrix product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

__all__ = ["LocalTrunk", "TrunkConfig"]


FLOOR = 9.0
"""Natural log power by which the softly clipped floor of the features lies below their level."""


@dataclass(frozen=True)
class TrunkConfig:
    """Dimensions of a :class:`LocalTrunk`; they are saved with its weights."""

    mels: int = 80
    front_channels: tuple[int, ...] = (16, 32)  # each stage halves the frames and the mel axis
    width: int = 512
    dilations: tuple[int, ...] = (1, 2, 3, 4, 2)
    mean_reach: int = 150  # feature frames on each side whose mean is taken off a frame

    @property
    def stride(self) -> int:
        """Feature frames per trunk frame."""
        return 2 ** len(self.front_channels)

    @property
    def context(self) -> int:
        """Trunk frames on each side that can influence a trunk frame (rounded up)."""
        front = 2 * len(self.front_channels)  # each stage sees less than two of its own frames
        return sum(self.dilations) + front + math.ceil(self.mean_reach / self.stride)


class LocalTrunk(nn.Module):
    """Log-mel features ``(batch, frames, mels)`` to frame features ``(batch, frames', width)``.

    ``frames' = ceil(frames / stride)``. ``mask`` ``(batch, frames)`` is true on valid frames;
    what lies outside it is treated as the zero padding that a shorter input would have, so that
    padding a batch changes nothing.
    """

    def __init__(self, config: TrunkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or TrunkConfig()
        channels = (2, *config.front_channels)
        self.front = nn.ModuleList(
            FrontStage(before, after) for before, after in pairwise(channels)
        )
        flattened = config.front_channels[-1] * (config.mels // config.stride)
        self.projection = TimeDelayLayer(flattened, config.width, kernel=1)
        self.layers = nn.ModuleList(
            TimeDelayLayer(config.width, config.width, kernel=3, dilation=dilation)
            for dilation in config.dilations
        )

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Tensor:
        """Frame features of levelled log-mel features."""
        # A soft floor 39 dB below the level: silence, however deep, is zero, as padding is.
        x = nn.functional.softplus(features + FLOOR) / FLOOR
        energy = x.mean(-1, keepdim=True).expand_as(x)
        x = x - sliding_mean(x, self.config.mean_reach, mask)
        x = torch.stack([x, energy], dim=-1)  # channels last, which oneDNN prefers
        x = x.permute(0, 3, 1, 2)  # (batch, 2, frames, mels)
        for stage in self.front:
            x, mask = stage(x, mask)
        x = x.permute(0, 2, 1, 3).flatten(2)  # (batch, frames', channels * mels')
        x = self.projection(x, mask)
        for layer in self.layers:
            x = x + layer(x, mask)
        return x


class FrontStage(nn.Module):
    """Halve time and frequency, then a residual pair of 3 x 3 convolutions."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(after)  # these three can be folded away
        self.conv1 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm1: nn.Module = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2: nn.Module = nn.BatchNorm2d(after)

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        x = self.norm(self.reduce(_blank(x, mask))).relu_()
        mask = None if mask is None else mask[:, ::2]
        y = self.norm1(self.conv1(_blank(x, mask))).relu_()
        y = self.norm2(self.conv2(_blank(y, mask)))
        return y.add_(x).relu_(), mask


class TimeDelayLayer(nn.Module):
    """Splice ``kernel`` frames ``dilation`` apart, affine map, batch norm, ReLU; length is kept."""

    def __init__(self, before: int, after: int, *, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        self.kernel, self.dilation = kernel, dilation
        self.affine = nn.Linear(before * kernel, after, bias=False)
        self.norm: nn.Module = nn.BatchNorm1d(after)  # the identity once it is folded away

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is not None:
            x = x * mask.unsqueeze(-1)
        y = self.affine(self.splice(x))
        return self.norm(y.flatten(0, 1)).view_as(y).relu_()

    def splice(self, x: Tensor) -> Tensor:
        """Lay ``kernel`` frames side by side: ``(batch, frames, kernel * channels)``."""
        if self.kernel == 1:
            return x
        frames, reach = x.shape[1], (self.kernel - 1) // 2 * self.dilation
        padded = nn.functional.pad(x, (0, 0, reach, reach))
        taps = [padded[:, k * self.dilation :][:, :frames] for k in range(self.kernel)]
        return torch.cat(taps, dim=-1)


def sliding_mean(x: Tensor, reach: int, mask: Tensor | None = None) -> Tensor:
    """Mean of the valid frames at most ``reach`` away, for every frame of ``(batch, frames, n)``.

    At the ends, and where ``mask`` ends, it is the mean of what there is.
    """
    valid = x.new_ones(x.shape[:2]) if mask is None else mask.to(x.dtype)
    valid = valid.unsqueeze(-1)
    window = torch.arange(x.shape[1], device=x.device)
    first, last = (window - reach).clamp_min(0), (window + reach + 1).clamp_max(x.shape[1])

    def window_sum(values: Tensor) -> Tensor:
        sums = nn.functional.pad(values.cumsum(1), (0, 0, 1, 0))
        return sums[:, last] - sums[:, first]

    return window_sum(x * valid) / window_sum(valid).clamp_min(1)


def _blank(x: Tensor, mask: Tensor | None) -> Tensor:
    """Zero the frames of ``(batch, channels, frames, mels)`` that lie outside ``mask``."""
    return x if mask is None else x * mask[:, None, :, None]
