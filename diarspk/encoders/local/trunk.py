"""The trunk: a convolutional network over log-mel features with a bounded receptive field.

Its input has three planes: log-mel features less their mean over the three seconds around a frame
(which removes the channel), the energy of the frame, and the spectral shape of that mean, called
its profile (mean formants, which subtracting the mean has removed). A small two-dimensional
convolutional front, as in CAM++ and ResNets, is followed by residual time-delay layers. No layer
depends on the whole utterance, so a recording of any length is processed in blocks, and any span
can be pooled from a single pass.

Layers take ``(batch, frames, channels)``; a time-delay layer is Kaldi's "splice, then affine", one
matrix product.
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
"""Soft floor of the features: natural log power below the level of the recording."""


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
    mean_reach: int = 150  # feature frames on each side in the mean that is subtracted
    profile: bool = True  # spectral shape as an input plane, and as channels of the output

    @property
    def stride(self) -> int:
        """Feature frames per trunk frame."""
        return 2 ** len(self.front_channels)

    @property
    def channels(self) -> int:
        """Channels of a trunk frame: the learned ones, then the mel bins of its spectral shape."""
        return self.width + self.profile * self.mels

    @property
    def context(self) -> int:
        """Receptive field: trunk frames on each side that influence a trunk frame, rounded up."""
        return self.convolution_context + math.ceil(self.mean_reach / self.stride)

    @property
    def convolution_context(self) -> int:
        """Receptive field without the mean that is subtracted."""
        front, hop = 0.0, 1 / self.stride  # hop of a stage's input in trunk frames
        for pairs in self.front_pairs:
            # One input frame by the strided convolution, two output frames for each pair.
            front += hop + 4 * hop * pairs
            hop *= 2
        if self.coarse_channels:
            front += 1 + 2 * self.coarse_pairs
        return sum(self.dilations) + math.ceil(front)

    @property
    def flattened(self) -> int:
        """Channels that enter the projection: channels times mel bins of the front, and profile."""
        bins = self.mels // self.stride
        front = self.front_channels[-1] * bins + self.coarse_channels * -(-bins // 2)
        return front + self.profile * self.mels


class LocalTrunk(nn.Module):
    """Convolutional network shared by all heads.

    Shape
    -----
    level-normalised log-mel features ``(batch, frames, mels)``, mask ``(batch, frames)``
    -> trunk frames ``(batch, ceil(frames / stride), channels)``

    The first ``width`` channels are learned. With a profile, the others are the spectral shape of
    the frame: log power in each mel bin less their mean.

    The mask is true on valid frames; the rest is treated as the zero padding of a shorter input,
    so the output does not depend on the padding of a batch.
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
        """Compute trunk frames."""
        x = soften_floor(features)
        mean = sliding_mean(x, self.config.mean_reach, mask)
        planes = [x - mean, x.mean(-1, keepdim=True).expand_as(x)]
        skip: list[Tensor] = []  # past the front, to the projection
        shape: list[Tensor] = []  # past the whole trunk, to the output
        if self.config.profile:
            profile = spectral_shape(mean)
            planes.append(profile)
            skip.append(profile[:, :: self.config.stride])
            shape.append(stride_mean(spectral_shape(x), self.config.stride, mask))
        x = torch.stack(planes, dim=-1)  # channels last, which oneDNN prefers
        x = x.permute(0, 3, 1, 2)  # (batch, planes, frames, mels)
        for stage in self.front:
            x, mask = stage(x, mask)
        stages = [x] if self.coarse is None else [x, self.coarse(x, mask)[0]]
        front = [stage.permute(0, 2, 1, 3).flatten(2) for stage in stages]
        x = torch.cat([*front, *skip], dim=-1)  # (batch, frames', channels * mels')
        x = self.projection(x, mask)
        for layer in self.layers:
            x = x + layer(x, mask)
        return torch.cat([x, *shape], dim=-1)


class ResidualPair(nn.Module):
    """Residual block of two 3 x 3 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1: nn.Module = nn.BatchNorm2d(channels)  # the identity after folding
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2: nn.Module = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        y = self.norm1(self.conv1(_blank(x, mask))).relu_()
        y = self.norm2(self.conv2(_blank(y, mask)))
        return y.add_(x).relu_()


class FrontStage(nn.Module):
    """Strided convolution that halves mels, and time by ``time_stride``; then residual blocks."""

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
        # Older checkpoints have one pair, whose keys lack "pairs.0.".
        for name in ("conv1", "norm1", "conv2", "norm2"):
            for key in [key for key in state_dict if key.startswith(f"{prefix}{name}.")]:
                state_dict[f"{prefix}pairs.0.{key.removeprefix(prefix)}"] = state_dict.pop(key)
        super()._load_from_state_dict(state_dict, prefix, *rest)


class TimeDelayLayer(nn.Module):
    """Splice ``kernel`` frames ``dilation`` apart, affine map, batch norm, ReLU; same length."""

    def __init__(self, before: int, after: int, *, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        self.kernel, self.dilation = kernel, dilation
        self.affine = nn.Linear(before * kernel, after, bias=False)
        self.norm: nn.Module = nn.BatchNorm1d(after)  # the identity after folding

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is not None:
            x = x * mask.unsqueeze(-1)
        return self.transform(self.splice(x))

    def transform(self, spliced: Tensor) -> Tensor:
        """Apply the layer to spliced frames ``(batch, frames, kernel * channels)``."""
        y = self.affine(spliced)
        return self.norm(y.flatten(0, 1)).view_as(y).relu_()

    def splice(self, x: Tensor) -> Tensor:
        """Concatenate the frames of each tap: ``(batch, frames, kernel * channels)``."""
        if self.kernel == 1:
            return x
        frames, reach = x.shape[1], (self.kernel - 1) // 2 * self.dilation
        padded = nn.functional.pad(x, (0, 0, reach, reach))
        taps = [padded[:, k * self.dilation :][:, :frames] for k in range(self.kernel)]
        return torch.cat(taps, dim=-1)


def soften_floor(features: Tensor) -> Tensor:
    """Apply a soft floor 39 dB below the level: digital silence becomes zero, as padding is."""
    return nn.functional.softplus(features + FLOOR) / FLOOR


def sliding_mean(x: Tensor, reach: int, mask: Tensor | None = None) -> Tensor:
    """Mean over the valid frames at most ``reach`` away, for each of ``(batch, frames, n)``.

    At the ends of an item the window is truncated.
    """
    valid = x.new_ones(x.shape[:2]) if mask is None else mask.to(x.dtype)
    valid = valid.unsqueeze(-1)
    window = torch.arange(x.shape[1], device=x.device)
    first, last = (window - reach).clamp_min(0), (window + reach + 1).clamp_max(x.shape[1])

    def window_sum(values: Tensor) -> Tensor:  # by differences of the cumulative sum
        sums = nn.functional.pad(values.cumsum(1), (0, 0, 1, 0))
        return sums[:, last] - sums[:, first]

    return window_sum(x * valid) / window_sum(valid).clamp_min(1)


def spectral_shape(x: Tensor) -> Tensor:
    """Log power in each mel bin less their mean, of soft-floored features ``(..., mels)``."""
    return FLOOR * (x - x.mean(-1, keepdim=True))


def stride_mean(x: Tensor, stride: int, mask: Tensor | None = None) -> Tensor:
    """Mean over the valid frames of each stride: ``(batch, ceil(frames / stride), n)``."""
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
