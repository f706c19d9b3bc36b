"""Time-domain extractor: learned filters, a temporal convolutional network, a mask.

TD-SpeakerBeam (Delcroix et al. 2020, "Improving speaker discrimination of target speech extraction
with time-domain SpeakerBeam") over Conv-TasNet (Luo & Mesgarani 2019).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from tse.models.conditioning import Conditioning, ConditioningConfig
from tse.models.fusion import make_fusion
from tse.models.network import ExtractionNetwork, Memory
from tse.models.spectrum import Framing

__all__ = ["TimeDomainConfig", "TimeDomainNetwork"]


@dataclass(frozen=True)
class TimeDomainConfig:
    """Dimensions of a :class:`TimeDomainNetwork`; the defaults are TD-SpeakerBeam's."""

    window_samples: int = 16
    hop_samples: int = 8
    filters: int = 512
    bottleneck: int = 128
    hidden: int = 512
    kernel: int = 3
    blocks: int = 8  # in a repeat, with dilations 1, 2, 4, ...
    repeats: int = 3
    fusion: str = "multiply"
    fuse: Literal["once", "every"] = "once"  # before the eighth block, or before every repeat
    conditioning: ConditioningConfig = field(default_factory=ConditioningConfig)
    causal: bool = False


class TimeDomainNetwork(ExtractionNetwork):
    """Estimator of a mask between learned analysis and synthesis filters."""

    def __init__(self, config: TimeDomainConfig | None = None) -> None:
        config = config or TimeDomainConfig()
        framing = Framing(config.window_samples, config.hop_samples)
        super().__init__(framing, config.conditioning, causal=config.causal)
        self.config = config
        self.encoder = nn.Linear(config.window_samples, config.filters, bias=False)
        self.norm = _norm(config.filters, causal=config.causal)
        self.reduce = nn.Linear(config.filters, config.bottleneck)
        self.blocks = nn.ModuleList(
            ConvolutionalBlock(config, index, last=index == config.blocks * config.repeats - 1)
            for index in range(config.blocks * config.repeats)
        )
        width = config.conditioning.width
        self.fusions = nn.ModuleDict(
            {
                str(index): make_fusion(config.fusion, config.bottleneck, width)
                for index in fusion_places(config)
            }
        )
        self.mask = nn.Sequential(nn.PReLU(), nn.Linear(config.bottleneck, config.filters))
        self.decoder = nn.Linear(config.filters, config.window_samples, bias=False)

    def process(self, frames: Tensor, conditioning: Conditioning, memory: Memory | None) -> Tensor:
        """See :meth:`ExtractionNetwork.process`."""
        encoded = self.encoder(frames).relu()  # (batch, frames, filters)
        x = self.reduce(self.norm(encoded))
        total = torch.zeros_like(x)
        for index, block in enumerate(self.blocks):
            if str(index) in self.fusions:
                x = self.fusions[str(index)](x, conditioning)
            residual, skip = block(x, memory)
            x, total = x + residual, total + skip
        return self.decoder(encoded * self.mask(total).relu())


def fusion_places(config: TimeDomainConfig) -> list[int]:
    """List the blocks before which the cue is fused: the eighth, or the first of each repeat."""
    if config.fuse == "every":
        return [repeat * config.blocks for repeat in range(config.repeats)]
    return [min(7, config.blocks * config.repeats - 1)]


class ConvolutionalBlock(nn.Module):
    """Block of Conv-TasNet: pointwise, depthwise, pointwise convolution.

    Shape
    -----
    ``(batch, frames, bottleneck)`` -> residual and skip connection, both of the same shape
    """

    def __init__(self, config: TimeDomainConfig, index: int, *, last: bool) -> None:
        super().__init__()
        hidden, self.causal, self.name = config.hidden, config.causal, f"{index}.convolution"
        dilation = 2 ** (index % config.blocks)
        self.reach, self.last = (config.kernel - 1) * dilation, last
        self.widen = nn.Sequential(
            nn.Linear(config.bottleneck, hidden), nn.PReLU(), _norm(hidden, causal=config.causal)
        )
        self.convolve = nn.Conv1d(hidden, hidden, config.kernel, dilation=dilation, groups=hidden)
        self.activate = nn.Sequential(nn.PReLU(), _norm(hidden, causal=config.causal))
        # The residual of the last block would not be used.
        self.narrow = nn.Linear(hidden, config.bottleneck * (1 if last else 2))

    def forward(self, x: Tensor, memory: Memory | None) -> tuple[Tensor, Tensor]:
        """Compute residual and skip connection."""
        y = self.widen(x).transpose(1, 2)  # (batch, hidden, frames)
        if self.causal:
            lead = y.new_zeros(*y.shape[:2], self.reach)
            if memory is not None:
                lead = memory.get(self.name, lead)
            y = torch.cat([lead, y], dim=-1)
            if memory is not None:
                memory[self.name] = y[..., y.shape[-1] - self.reach :]
        else:
            y = nn.functional.pad(y, (self.reach // 2, self.reach - self.reach // 2))
        narrowed = self.narrow(self.activate(self.convolve(y).transpose(1, 2)))
        if self.last:
            return torch.zeros_like(x), narrowed
        residual, skip = narrowed.chunk(2, dim=-1)
        return residual, skip


class GlobalNorm(nn.Module):
    """Global layer normalisation, over frames and channels (Luo & Mesgarani 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(batch, frames, channels)``."""
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


def _norm(channels: int, *, causal: bool) -> nn.Module:
    """Build the normalisation: per frame in a causal network, which has no later frames yet."""
    return nn.LayerNorm(channels) if causal else GlobalNorm(channels)
