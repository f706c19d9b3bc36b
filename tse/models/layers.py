"""Layers over time that a causal network can also run block by block."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tse.conditioning import Conditioning
from tse.fusion import attend
from tse.models.network import Memory

__all__ = ["FrameAttention", "RecurrentPath", "Spliced", "splice"]


class Spliced(nn.Module):
    """Three frames ``dilation`` apart side by side, as Kaldi splices them, then a matrix product.

    A product is what a CPU does best: it trains two to three times faster here than a recurrent
    layer or a depthwise convolution with as many operations.

    Shape
    -----
    ``(batch, frames, ..., channels)`` -> ``(batch, frames, ..., width)``
    """

    KERNEL = 3

    def __init__(
        self, name: str, channels: int, width: int, *, dilation: int, causal: bool
    ) -> None:
        super().__init__()
        self.name, self.dilation, self.causal = name, dilation, causal
        self.affine = nn.Linear(self.KERNEL * channels, width)

    def forward(self, x: Tensor, memory: Memory | None) -> Tensor:
        """Convolve; in a causal layer the last frame is the present one."""
        return self.affine(splice(x, self.dilation, self.name if self.causal else None, memory))


def splice(x: Tensor, dilation: int, causal_name: str | None, memory: Memory | None) -> Tensor:
    """Lay three frames of ``(batch, frames, ..., channels)`` side by side on the last axis."""
    frames, reach = x.shape[1], 2 * dilation
    before = reach if causal_name else dilation
    lead = x.new_zeros(len(x), before, *x.shape[2:])
    if causal_name and memory is not None:
        lead = memory.get(causal_name, lead)
    tail = x.new_zeros(len(x), reach - before, *x.shape[2:])
    padded = torch.cat([lead, x, tail], dim=1)
    if causal_name and memory is not None:
        memory[causal_name] = padded[:, padded.shape[1] - before :].detach()
    return torch.cat([padded[:, k * dilation :][:, :frames] for k in range(3)], dim=-1)


class RecurrentPath(nn.Module):
    """Normalise, recur over frames (both ways unless causal), project: a residual of ``x``.

    Shape
    -----
    ``(batch, frames, channels)`` -> the same
    """

    def __init__(self, name: str, channels: int, hidden: int, *, causal: bool) -> None:
        super().__init__()
        self.name, self.causal = name, causal
        self.norm = nn.LayerNorm(channels)
        self.recurrent = nn.LSTM(channels, hidden, batch_first=True, bidirectional=not causal)
        self.affine = nn.Linear(hidden * (1 if causal else 2), channels)

    def forward(self, x: Tensor, memory: Memory | None = None) -> Tensor:
        """Add what the past, and the future unless causal, says."""
        state = None
        if self.causal and memory is not None and f"{self.name}.h" in memory:
            state = memory[f"{self.name}.h"], memory[f"{self.name}.c"]
        y, (h, c) = self.recurrent(self.norm(x), state)
        if self.causal and memory is not None:
            memory[f"{self.name}.h"], memory[f"{self.name}.c"] = h, c
        return x + self.affine(y)


class FrameAttention(nn.Module):
    """Each frame attends to all frames of the mixture and of the cue's sequence: a residual.

    Shape
    -----
    ``(batch, frames, channels)`` -> the same
    """

    def __init__(self, channels: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.cue = nn.Linear(width, 2 * channels)
        self.output = nn.Linear(channels, channels)

    def forward(self, x: Tensor, conditioning: Conditioning) -> Tensor:
        """Add what the frames that are asked answer."""
        normed = self.norm(x)
        asked = torch.cat([self.key_value(normed), self.cue(conditioning.sequence)], dim=1)
        own = conditioning.mask.new_ones(x.shape[:2])
        mask = torch.cat([own, conditioning.mask], dim=1)
        return x + self.output(attend(self.query(normed), asked, mask, self.heads))
