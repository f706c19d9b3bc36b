"""Conformer layers whose attention is local, so that cost is linear in the length.

Frames are cut into blocks; the frames of a block attend to the block and to ``reach`` frames on
both sides of it, and those farther than ``reach`` from the query are masked. Position is a learned
bias for each distance (Raffel et al. 2020, section 2.1), so the layer is shift-invariant.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = [
    "ConformerLayer",
    "LocalAttention",
    "LocalWeights",
    "convolve_depthwise",
    "cut_windows",
    "join_blocks",
    "split_heads",
]

BLOCK = 50
"""Frames of a block."""

MASKED = -1e9
"""Finite, so that a query without a valid key gives finite weights, not NaN; they are unused."""


class ConformerLayer(nn.Module):
    """Half a feed-forward, self-attention, convolution, half a feed-forward.

    Gulati et al. 2020 (Conformer), section 2.4, with attention to near frames only, and layer norm
    where the convolution has batch norm: neighbours in a batch have no influence.

    Shape
    -----
    ``(batch, frames, channels)``, mask ``(batch, frames)`` -> ``(batch, frames, channels)``
    """

    def __init__(self, channels: int, heads: int, kernel: int, reach: int) -> None:
        super().__init__()
        self.before, self.after = _feed_forward(channels), _feed_forward(channels)
        self.attention_norm = nn.LayerNorm(channels)
        self.attention = LocalAttention(channels, heads, reach)
        self.gate = nn.Sequential(
            nn.LayerNorm(channels), nn.Linear(channels, 2 * channels), nn.GLU(dim=-1)
        )
        self.convolution = nn.Conv1d(
            channels, channels, kernel, padding=kernel // 2, groups=channels
        )
        self.mix = nn.Sequential(nn.LayerNorm(channels), nn.SiLU(), nn.Linear(channels, channels))
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Process frames; those outside ``mask`` influence no other."""
        x = x + 0.5 * self.before(x)
        x = x + self.attention(self.attention_norm(x), mask)
        gated = self.gate(x) * mask.unsqueeze(-1)
        x = x + self.mix(convolve_depthwise(self.convolution, gated))
        x = x + 0.5 * self.after(x)
        return self.norm(x)


class LocalWeights(nn.Module):
    """Attention weights of every frame over the frames at most ``reach`` away.

    Shape
    -----
    ``(batch, frames, channels)``, mask ``(batch, frames)``
    -> ``(batch, blocks, heads, BLOCK, BLOCK + 2 reach)``, over the windows of :func:`cut_windows`
    """

    def __init__(self, channels: int, heads: int, reach: int) -> None:
        super().__init__()
        self.heads, self.reach = heads, reach
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels)
        self.bias = nn.Parameter(torch.zeros(heads, 2 * reach + 1))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Compute weights that sum to one over the valid frames within reach."""
        query = split_heads(cut_windows(self.query(x), 0), self.heads)
        key = split_heads(cut_windows(self.key(x), self.reach), self.heads)
        logits = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        distance = self._distances(x)
        near = distance.abs() <= self.reach
        bias = self.bias[:, (distance + self.reach).clamp(0, 2 * self.reach)]
        valid = cut_windows(mask.unsqueeze(-1), self.reach).squeeze(-1)  # (batch, blocks, keys)
        allowed = near & valid[:, :, None, None, :]
        return (logits + bias).masked_fill(~allowed, MASKED).softmax(-1)

    def _distances(self, like: Tensor) -> Tensor:
        """Distance from each query of a block to each key: ``(BLOCK, BLOCK + 2 reach)``."""
        keys = torch.arange(BLOCK + 2 * self.reach, device=like.device) - self.reach
        return keys - torch.arange(BLOCK, device=like.device)[:, None]


class LocalAttention(nn.Module):
    """Multi-head self-attention over near frames.

    Shape
    -----
    ``(batch, frames, channels)``, mask ``(batch, frames)`` -> ``(batch, frames, channels)``
    """

    def __init__(self, channels: int, heads: int, reach: int) -> None:
        super().__init__()
        self.weights = LocalWeights(channels, heads, reach)
        self.value = nn.Linear(channels, channels)
        self.merge = nn.Linear(channels, channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Attend to the valid frames within reach of each frame."""
        value = split_heads(cut_windows(self.value(x), self.weights.reach), self.weights.heads)
        mixed = self.weights(x, mask) @ value  # (batch, blocks, heads, BLOCK, channels / heads)
        return self.merge(join_blocks(mixed.transpose(2, 3).flatten(3), x.shape[1]))


def convolve_depthwise(convolution: nn.Conv1d, x: Tensor) -> Tensor:
    """Apply a depthwise convolution of odd kernel, stride 1 to ``(batch, frames, channels)``.

    Equal to calling the module.
    """
    # As an image of one row in channels-last layout: oneDNN has a kernel for that, which is 15 to
    # 25 times as fast as the one for one-dimensional convolutions.
    image = x.unsqueeze(1).permute(0, 3, 1, 2)  # (batch, channels, 1, frames), a view
    weight = convolution.weight.unsqueeze(2).contiguous(memory_format=torch.channels_last)
    reach = convolution.kernel_size[0] // 2
    y = nn.functional.conv2d(
        image, weight, convolution.bias, padding=(0, reach), groups=convolution.groups
    )
    return y.permute(0, 2, 3, 1).squeeze(1)


def cut_windows(x: Tensor, reach: int) -> Tensor:
    """Cut ``(batch, frames, n)`` into blocks that overlap by ``reach`` frames on both sides.

    Returns ``(batch, blocks, BLOCK + 2 reach, n)``, zero-padded at the ends.
    """
    rest = -x.shape[1] % BLOCK
    padded = nn.functional.pad(x, (0, 0, reach, reach + rest))
    return padded.unfold(1, BLOCK + 2 * reach, BLOCK).transpose(2, 3)


def split_heads(windows: Tensor, heads: int) -> Tensor:
    """Split ``(batch, blocks, frames, n)`` into ``(batch, blocks, heads, frames, n / heads)``."""
    return windows.reshape(*windows.shape[:3], heads, -1).transpose(2, 3)


def join_blocks(blocks: Tensor, frames: int) -> Tensor:
    """Invert :func:`cut_windows` of zero reach: ``(batch, frames, n)``."""
    return blocks.flatten(1, 2)[:, :frames]


def _feed_forward(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(channels),
        nn.Linear(channels, 4 * channels),
        nn.SiLU(),
        nn.Linear(4 * channels, channels),
    )
