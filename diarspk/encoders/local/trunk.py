"""The local trunk: log-mel features to frame features that depend on two seconds around them.

The mean of the three seconds around a frame is taken off its mel bins, which removes the channel.
The energy of the frame is kept beside them, and so is the shape of that mean, its profile: a
second of speech has mean formants, which its bins have lost with their mean. A small
two-dimensional convolutional front (as CAM++ and ResNets have; it shares filters across
frequency) is followed by residual time-delay layers. Nothing looks at the whole utterance, so a
recording of any length streams through in blocks, and a span can be pooled from a single pass.

Every layer is written on ``(batch, frames, channels)``; a time-delay layer is Kaldi's "splice, then
affine", which is one matrix product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["LocalTrunk", "TrunkConfig"]


FLOOR = 9.0
"""Natural log power by which the softly clipped floor of the features lies below their level."""


@dataclass(frozen=True)
class TrunkConfig:
    """Dimensions of a :class:`LocalTrunk`; they are saved with its weights."""

    mels: int = 80
    front_channels: tuple[int, ...] = (32, 64)  # each stage halves the frames and the mel axis
    front_pairs: tuple[int, ...] = (1, 2)  # residual pairs of convolutions in each stage
    coarse_channels: int = 128  # of a last stage that halves the mel axis alone; 0 leaves it out
    coarse_pairs: int = 2
    width: int = 512
    dilations: tuple[int, ...] = (1, 2, 3, 4, 2, 1, 3)
    mean_reach: int = 150  # feature frames on each side whose mean is taken off a frame
    profile: bool = True  # whether spectral shape is heard, and given out behind what is learned

    @property
    def stride(self) -> int:
        """Feature frames per trunk frame."""
        return 2 ** len(self.front_channels)

    @property
    def channels(self) -> int:
        """Channels of a trunk frame: what is learned, and the mel bins of its spectral shape."""
        return self.width + self.profile * self.mels

    @property
    def context(self) -> int:
        """Trunk frames on each side that can influence a trunk frame (rounded up)."""
        front, hop = 0.0, 1 / self.stride  # trunk frames between two frames of what a stage reads
        for pairs in self.front_pairs:
            front += hop + 4 * hop * pairs  # a frame before the stage, two after for each pair
            hop *= 2
        if self.coarse_channels:
            front += 1 + 2 * self.coarse_pairs
        mean = math.ceil(self.mean_reach / self.stride)
        return sum(self.dilations) + math.ceil(front) + mean

    @property
    def flattened(self) -> int:
        """Channels by mel bins that leave the front, and the profile beside them."""
        bins = self.mels // self.stride
        front = self.front_channels[-1] * bins + self.coarse_channels * -(-bins // 2)
        return front + self.profile * self.mels


class LocalTrunk(nn.Module):
    """Log-mel features ``(batch, frames, mels)`` to trunk frames ``(batch, frames', channels)``.

    ``frames' = ceil(frames / stride)``. The first ``width`` channels are learned. With a profile,
    the others are the spectral shape of the frame: its log power in each mel bin less their mean.

    ``mask`` ``(batch, frames)`` is true on valid frames; what lies outside it is treated as the
    zero padding that a shorter input would have, so that padding a batch changes nothing.
    """

    def __init__(self, config: TrunkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or TrunkConfig()
        channels = pairwise((2 + config.profile, *config.front_channels))
        self.front = nn.ModuleList(
            FrontStage(before, after, pairs=pairs)
            for (before, after), pairs in zip(channels, config.front_pairs, strict=True)
        )
        self.coarse: FrontStage | None = None
        if config.coarse_channels:
            self.coarse = FrontStage(
                config.front_channels[-1],
                config.coarse_channels,
                pairs=config.coarse_pairs,
                time_stride=1,
            )
        self.projection = TimeDelayLayer(config.flattened, config.width, kernel=1)
        self.layers = nn.ModuleList(
            TimeDelayLayer(config.width, config.width, kernel=3, dilation=dilation)
            for dilation in config.dilations
        )

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Tensor:
        """Frame features of levelled log-mel features."""
        # A soft floor 39 dB below the level: silence, however deep, is zero, as padding is.
        x = nn.functional.softplus(features + FLOOR) / FLOOR
        mean = sliding_mean(x, self.config.mean_reach, mask)
        planes = [x - mean, x.mean(-1, keepdim=True).expand_as(x)]
        beside, behind = [], []  # the front, and the learned channels
        if self.config.profile:
            profile = spectral_shape(mean)
            planes.append(profile)
            beside.append(profile[:, :: self.config.stride])
            behind.append(stride_mean(spectral_shape(x), self.config.stride, mask))
        x = torch.stack(planes, dim=-1)  # channels last, which oneDNN prefers
        x = x.permute(0, 3, 1, 2)  # (batch, planes, frames, mels)
        for stage in self.front:
            x, mask = stage(x, mask)
        stages = [x] if self.coarse is None else [x, self.coarse(x, mask)[0]]
        # (batch, frames', channels * mels') of each, side by side
        heard = [stage.permute(0, 2, 1, 3).flatten(2) for stage in stages]
        x = torch.cat([*heard, *beside], dim=-1)
        x = self.projection(x, mask)
        for layer in self.layers:
            x = x + layer(x, mask)
        return torch.cat([x, *behind], dim=-1)


class ResidualPair(nn.Module):
    """A residual pair of 3 x 3 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1: nn.Module = nn.BatchNorm2d(channels)  # norms can be folded away
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2: nn.Module = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        y = self.norm1(self.conv1(_blank(x, mask))).relu_()
        y = self.norm2(self.conv2(_blank(y, mask)))
        return y.add_(x).relu_()


class FrontStage(nn.Module):
    """Halve frequency, and time with a ``time_stride`` of 2; then residual pairs."""

    def __init__(self, before: int, after: int, *, pairs: int = 1, time_stride: int = 2) -> None:
        super().__init__()
        stride = (time_stride, 2)
        self.time_stride = time_stride
        self.reduce = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(after)
        self.pairs = nn.ModuleList(ResidualPair(after) for _ in range(pairs))

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        x = self.norm(self.reduce(_blank(x, mask))).relu_()
        mask = None if mask is None else mask[:, :: self.time_stride]
        for pair in self.pairs:
            x = pair(x, mask)
        return x, mask

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: Any) -> None:
        """Read the one pair of a stage that was written before there could be several."""
        for name in ("conv1", "norm1", "conv2", "norm2"):
            for key in [key for key in state_dict if key.startswith(f"{prefix}{name}.")]:
                state_dict[f"{prefix}pairs.0.{key.removeprefix(prefix)}"] = state_dict.pop(key)
        super()._load_from_state_dict(state_dict, prefix, *rest)


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


def spectral_shape(x: Tensor) -> Tensor:
    """Natural log power in each mel bin less their mean, of softly clipped ``(..., mels)``."""
    return FLOOR * (x - x.mean(-1, keepdim=True))


def stride_mean(x: Tensor, stride: int, mask: Tensor | None = None) -> Tensor:
    """Mean of the valid ones of every ``stride`` frames: ``(batch, ceil(frames / stride), n)``."""
    valid = x.new_ones(x.shape[:2]) if mask is None else mask.to(x.dtype)
    valid = valid.unsqueeze(-1)
    rest = -x.shape[1] % stride

    def stride_sum(values: Tensor) -> Tensor:
        padded = nn.functional.pad(values, (0, 0, 0, rest))
        return padded.reshape(len(x), -1, stride, values.shape[-1]).sum(2)

    return stride_sum(x * valid) / stride_sum(valid).clamp_min(1)


def _blank(x: Tensor, mask: Tensor | None) -> Tensor:
    """Zero the frames of ``(batch, channels, frames, mels)`` that lie outside ``mask``."""
    return x if mask is None else x * mask[:, None, :, None]
