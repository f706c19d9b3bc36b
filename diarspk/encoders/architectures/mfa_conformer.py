"""MFA-Conformer: the concatenated outputs of all blocks of a Conformer, pooled.

Zhang et al., "MFA-Conformer: multi-scale feature aggregation Conformer for automatic speaker
verification", Interspeech 2022; Gulati et al. 2020 for the block, Dai et al. 2019 (section 3.3)
for attention with relative positions. Dimensions are ESPnet-SPK's: 52,732,480 parameters at width
512, and 20,218,432 at width 256 with 4 heads, classifier excluded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import Mask, blank, windowed
from diarspk.encoders.architectures.pooling.registry import build_pooling

__all__ = ["MfaConformer", "MfaConformerConfig"]


@dataclass(frozen=True)
class MfaConformerConfig:
    """Dimensions of an :class:`MfaConformer`. Defaults: ESPnet's larger one."""

    mels: int = 80
    dimension: int = 192
    width: int = 512
    blocks: int = 6
    heads: int = 8
    feed_forward: int = 2048
    kernel: int = 15
    dropout: float = 0.1
    pooling: str = "channel-attentive"


class MfaConformer(Architecture):
    """Features ``(batch, frames, mels)`` to embeddings ``(batch, dimension)``.

    Frame features have half the frame rate; frames without full context are left out.
    """

    stride = 2
    minimum = 7
    offset = 3

    def __init__(self, config: MfaConformerConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or MfaConformerConfig()
        self.dimension = config.dimension
        self.embed = Subsampling(config)
        self.encoders = nn.ModuleList(ConformerBlock(config) for _ in range(config.blocks))
        self.ln = nn.LayerNorm(config.blocks * config.width, eps=1e-12)
        self.pool = build_pooling(config.pooling, config.blocks * config.width)
        self.bn = nn.BatchNorm1d(self.pool.statistics)
        self.linear = nn.Linear(self.pool.statistics, config.dimension)

    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """See :meth:`Architecture.encode`."""
        x, mask = self.embed(features, mask)
        positions = relative_positions(x.shape[1], x.shape[2]).to(x)
        outputs = []
        for block in self.encoders:
            x = block(x, positions, mask)
            outputs.append(x)
        return self.ln(torch.cat(outputs, dim=-1)), mask

    def project(self, pooled: Tensor) -> Tensor:
        """See :meth:`Architecture.project`."""
        return self.linear(self.bn(pooled))


class Subsampling(nn.Module):
    """Two convolutions over time and frequency, one of stride two, and an affine layer."""

    def __init__(self, config: MfaConformerConfig) -> None:
        super().__init__()
        width = config.width
        self.conv1 = nn.Conv2d(1, width, 3, stride=2)
        self.conv2 = nn.Conv2d(width, width, 3)
        self.out = nn.Linear(width * ((config.mels - 1) // 2 - 2), width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, features: Tensor, mask: Mask) -> tuple[Tensor, Mask]:
        x = self.conv2(self.conv1(features.unsqueeze(1)).relu()).relu()
        x = self.out(x.transpose(1, 2).flatten(2))  # (batch, frames', width)
        mask = windowed(windowed(mask, 3, 2), 3, 1)
        return self.dropout(x * math.sqrt(x.shape[-1])), mask


class ConformerBlock(nn.Module):
    """Conformer block: half a feed-forward, attention, convolution, half a feed-forward."""

    def __init__(self, config: MfaConformerConfig) -> None:
        super().__init__()
        width = config.width
        self.norm_ff_macaron = nn.LayerNorm(width, eps=1e-12)
        self.feed_forward_macaron = FeedForward(config)
        self.norm_mha = nn.LayerNorm(width, eps=1e-12)
        self.self_attn = RelativeAttention(width, config.heads)
        self.norm_conv = nn.LayerNorm(width, eps=1e-12)
        self.conv_module = ConvolutionModule(width, config.kernel)
        self.norm_ff = nn.LayerNorm(width, eps=1e-12)
        self.feed_forward = FeedForward(config)
        self.norm_final = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, positions: Tensor, mask: Mask) -> Tensor:
        drop = self.dropout
        x = x + 0.5 * drop(self.feed_forward_macaron(self.norm_ff_macaron(x)))
        x = x + drop(self.self_attn(self.norm_mha(x), positions, mask))
        x = x + drop(self.conv_module(self.norm_conv(x), mask))
        x = x + 0.5 * drop(self.feed_forward(self.norm_ff(x)))
        return self.norm_final(x)


class FeedForward(nn.Module):
    """Two affine layers with a swish between them."""

    def __init__(self, config: MfaConformerConfig) -> None:
        super().__init__()
        self.w_1 = nn.Linear(config.width, config.feed_forward)
        self.w_2 = nn.Linear(config.feed_forward, config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_2(self.dropout(nn.functional.silu(self.w_1(x))))


class RelativeAttention(nn.Module):
    """Self-attention with relative positional encoding (Dai et al. 2019, section 3.3).

    Frames outside the mask are not attended to.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.linear_q = nn.Linear(width, width)
        self.linear_k = nn.Linear(width, width)
        self.linear_v = nn.Linear(width, width)
        self.linear_out = nn.Linear(width, width)
        self.linear_pos = nn.Linear(width, width, bias=False)
        self.pos_bias_u = nn.Parameter(torch.empty(heads, width // heads))
        self.pos_bias_v = nn.Parameter(torch.empty(heads, width // heads))
        nn.init.xavier_uniform_(self.pos_bias_u)
        nn.init.xavier_uniform_(self.pos_bias_v)

    def forward(self, x: Tensor, positions: Tensor, mask: Mask) -> Tensor:
        query = self.linear_q(x).view(*x.shape[:2], self.heads, -1)  # (batch, frames, heads, size)
        key, value = self._split(self.linear_k(x)), self._split(self.linear_v(x))
        distance = self._split(self.linear_pos(positions)[None])  # (1, heads, 2 frames - 1, size)
        content = (query + self.pos_bias_u).transpose(1, 2) @ key.transpose(-1, -2)
        place = (query + self.pos_bias_v).transpose(1, 2) @ distance.transpose(-1, -2)
        scores = (content + _shift(place)) / math.sqrt(query.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None], -torch.inf)
        attended = scores.softmax(dim=-1) @ value  # (batch, heads, frames, size)
        return self.linear_out(attended.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        """``(batch, frames, width)`` -> ``(batch, heads, frames, size)``."""
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class ConvolutionModule(nn.Module):
    """Gated pointwise, depthwise and pointwise convolutions."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.pointwise_conv1 = nn.Conv1d(width, 2 * width, 1)
        self.depthwise_conv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.BatchNorm1d(width)
        self.pointwise_conv2 = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        y = nn.functional.glu(self.pointwise_conv1(x.transpose(1, 2)), dim=1)
        y = self.norm(self.depthwise_conv(blank(y, mask)))
        return self.pointwise_conv2(nn.functional.silu(y)).transpose(1, 2)


def relative_positions(frames: int, width: int) -> Tensor:
    """Sinusoidal encoding of the distances ``frames - 1`` down to ``1 - frames``.

    ``(2 frames - 1, width)``; the distance from query ``i`` to key ``j`` is ``i - j``.
    """
    distance = torch.arange(frames - 1, -frames, -1, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2) * -(math.log(10000.0) / width))
    angle = distance * rate
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


def _shift(scores: Tensor) -> Tensor:
    """Convert scores by distance ``(..., frames, 2 frames - 1)`` to scores by query and key.

    Entry ``(i, j)`` is that of distance ``i - j``, in column ``frames - 1 - i + j`` (Dai et al.
    2019, appendix B, by indexing).
    """
    frames = scores.shape[-2]
    row = torch.arange(frames, device=scores.device)
    column = frames - 1 - row[:, None] + row[None]
    return scores.gather(-1, column.expand(*scores.shape[:-2], -1, -1))
