"""Segmentation head: who speaks when among the few local speakers of a window."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from diarspk.encoders.local.conformer import convolve_depthwise
from diarspk.segmentation.powerset import Powerset

__all__ = ["SegmentationHead", "SegmentationHeadConfig"]


@dataclass(frozen=True)
class SegmentationHeadConfig:
    """Dimensions of a :class:`SegmentationHead`; they are saved with its weights."""

    width: int = 512  # channels of the trunk's frames that it reads, the first ones
    channels: int = 128
    layers: int = 4
    heads: int = 4
    kernel: int = 15
    window_s: float = 10.0
    speakers: int = 3
    simultaneous: int = 2


class SegmentationHead(nn.Module):
    """Power-set classes of local speakers for every frame of a window.

    A small conformer: self-attention over the window tells the speakers apart, convolution places
    their boundaries. Speakers are numbered anew in each window, in no particular order.

    Shape
    -----
    frames ``(batch, frames, width)`` -> logits ``(batch, frames, classes)``; ``mask``
    ``(batch, frames)`` is true on valid frames.
    """

    def __init__(self, config: SegmentationHeadConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or SegmentationHeadConfig()
        self.powerset = Powerset(config.speakers, config.simultaneous)
        self.norm = nn.LayerNorm(config.width)
        self.project = nn.Linear(config.width, config.channels)
        self.layers = nn.ModuleList(
            ConformerLayer(config.channels, config.heads, config.kernel)
            for _ in range(config.layers)
        )
        self.classify = nn.Linear(config.channels, len(self.powerset))

    def forward(self, frames: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits of the power-set classes."""
        x = self.project(self.norm(frames[..., : self.config.width]))
        for layer in self.layers:
            x = layer(x, mask)
        return self.classify(x)


class ConformerLayer(nn.Module):
    """Convolution, self-attention and feed-forward, each pre-normalised with a residual.

    After Gulati et al. 2020 (Conformer), with the convolution first: it carries position, so that
    attention needs no position code and a window may have any length.
    """

    def __init__(self, channels: int, heads: int, kernel: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(channels)
        self.gate = nn.Linear(channels, 2 * channels)
        self.conv = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.mix = nn.Linear(channels, channels)
        self.norm2 = nn.LayerNorm(channels)
        self.attend = nn.Linear(channels, 3 * channels)
        self.merge = nn.Linear(channels, channels)
        self.norm3 = nn.LayerNorm(channels)
        self.feed = nn.Sequential(
            nn.Linear(channels, 4 * channels), nn.SiLU(), nn.Linear(4 * channels, channels)
        )

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = x + self.convolve(self.norm1(x), mask)
        x = x + self.attention(self.norm2(x), mask)
        x = x + self.feed(self.norm3(x))
        return x

    def convolve(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = nn.functional.glu(self.gate(x), dim=-1)
        if mask is not None:
            x = x * mask.unsqueeze(-1)
        return self.mix(nn.functional.silu(convolve_depthwise(self.conv, x)))

    def attention(self, x: Tensor, mask: Tensor | None) -> Tensor:
        batch, frames, _ = x.shape
        query, key, value = (
            self.attend(x).view(batch, frames, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        )  # each (batch, heads, frames, channels / heads)
        allowed = None if mask is None else mask[:, None, None, :]
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        return self.merge(mixed.transpose(1, 2).flatten(2))
