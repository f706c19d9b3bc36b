"""Blocks of ReDimNet, over time and frequency and over time alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.masking import Mask, blank, masked_mean

__all__ = [
    "ChannelNorm",
    "ResidualBlock",
    "SeparableBlock",
    "SqueezeBlock",
    "TimeContext",
    "to_one_dimension",
]

KERNELS = (7, 19, 31, 59)
HEADS = 4


def to_one_dimension(x: Tensor) -> Tensor:
    """``(batch, channels, mels, frames)`` -> ``(batch, mels * channels, frames)``."""
    return x.transpose(1, 2).flatten(1, 2)


class ChannelNorm(nn.Module):
    """Layer norm over the second axis of ``(batch, channels, ...)``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise every frame, or time-frequency bin, over channels."""
        shape = self.weight.shape
        normed = nn.functional.layer_norm(
            x.transpose(1, -1), shape, self.weight, self.bias, eps=1e-6
        )
        return normed.transpose(1, -1)


class ResidualBlock(nn.Module):
    """Residual block of two grouped 3 x 3 convolutions, each followed by a pointwise one."""

    def __init__(self, channels: int, group: int, *, squeezed_mels: int | None) -> None:
        super().__init__()
        groups = channels // group
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False, groups=groups)
        self.conv1pw = nn.Conv2d(channels, channels, 1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False, groups=groups)
        self.conv2pw = nn.Conv2d(channels, channels, 1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.se = None
        if squeezed_mels is not None:
            self.se = FrequencySqueeze(squeezed_mels, min(64, max(channels, 32)))

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        """``(batch, channels, mels, frames)`` -> the same."""
        y = self.bn1(self.conv1pw(self.conv1(blank(x, mask))).relu())
        y = self.bn2(self.conv2pw(self.conv2(blank(y, mask))))
        if self.se is not None:
            y = self.se(y, mask)
        return (x + y).relu()


class FrequencySqueeze(nn.Module):
    """Squeeze-and-excitation of frequencies by their means over channels and time."""

    def __init__(self, mels: int, bottleneck: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(mels, bottleneck)
        self.exitation = nn.Linear(bottleneck, mels)  # spelt as in the checkpoints

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        means = masked_mean(x, mask).squeeze(-1).mean(dim=1)  # (batch, mels)
        gate = self.exitation(self.squeeze(means).relu()).sigmoid()
        return x * gate[:, None, :, None]


class SeparableBlock(nn.Module):
    """Residual block of grouped convolution, batch norm, GELU and pointwise convolution.

    As in ConvNeXt (Liu et al. 2022), over ``dimensions`` 1 (frames) or 2 (mels and frames).
    """

    def __init__(self, channels: int, group: int, *, kernel: int = 3, dimensions: int = 2) -> None:
        super().__init__()
        conv: type[nn.Conv1d] | type[nn.Conv2d] = nn.Conv2d if dimensions == 2 else nn.Conv1d
        norm = nn.BatchNorm2d if dimensions == 2 else nn.BatchNorm1d
        groups, padding = channels // group, kernel // 2
        self.dwconvs = nn.ModuleList(
            [conv(channels, channels, kernel, padding=padding, groups=groups)]
        )
        self.norm = norm(channels)
        self.pwconv1 = conv(channels, channels, 1)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        """``(batch, channels, ..., frames)`` -> the same."""
        y = self.norm(self.dwconvs[0](blank(x, mask)))
        return x + self.pwconv1(nn.functional.gelu(y))


class SqueezeBlock(nn.ModuleList):
    """Reduction from the expanded channels of a stage to its output channels."""

    def __init__(self, before: int, after: int, group: int) -> None:
        grouped = nn.Conv2d(before, after, 3, padding=1, groups=after // group)
        norm = nn.BatchNorm2d(after, eps=1e-6)
        super().__init__([grouped, norm, nn.GELU(), nn.Conv2d(after, after, 1)])

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        """``(batch, before, mels, frames)`` -> ``(batch, after, mels, frames)``."""
        x = blank(x, mask)
        for layer in self:
            x = layer(x)
        return x


class TimeContext(nn.Module):
    """Convolutions of increasing kernel and self-attention at a reduced width."""

    def __init__(self, channels: int, reduced: int) -> None:
        super().__init__()
        self.red_dim_conv = nn.Sequential(nn.Conv1d(channels, reduced, 1), ChannelNorm(reduced))
        self.tcm = nn.ModuleList(
            SeparableBlock(reduced, 1, kernel=kernel, dimensions=1) for kernel in KERNELS
        )
        self.tcm.append(TransformerLayer(reduced, reduced))
        self.exp_dim_conv = nn.Conv1d(reduced, channels, 1)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        """``(batch, channels, frames)`` -> the same."""
        y = self.red_dim_conv(x)
        for layer in self.tcm:
            y = layer(y, mask)
        return x + self.exp_dim_conv(y)


class TransformerLayer(nn.Module):
    """Post-norm transformer layer: self-attention, then feed-forward."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.attention = Attention(width)
        self.layer_norm = nn.LayerNorm(width, eps=1e-6)
        self.feed_forward = FeedForward(width, hidden)
        self.final_layer_norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        """``(batch, width, frames)`` -> the same."""
        y = x.transpose(1, 2)
        y = self.layer_norm(y + self.attention(y, mask))
        return self.final_layer_norm(y + self.feed_forward(y)).transpose(1, 2)


class Attention(nn.Module):
    """Self-attention with four heads; frames outside the mask are not attended to."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        query, key, value = (
            projection(x).view(*x.shape[:2], HEADS, -1).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )  # (batch, heads, frames, size)
        allowed = None if mask is None else mask[:, None, None]
        attended = nn.functional.scaled_dot_product_attention(query, key, value, allowed)
        return self.out_proj(attended.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """Two affine layers with a GELU (its tanh approximation) between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(width, hidden)
        self.output_dense = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        hidden = nn.functional.gelu(self.intermediate_dense(x), approximate="tanh")
        return self.output_dense(hidden)
