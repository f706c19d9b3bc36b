"""Masks of valid frames, which make networks invariant to the padding of a batch.

The input of a network is ``(batch, frames, channels)`` with a mask ``(batch, frames)`` that is true
on an item's valid frames, which come first. Inside a network, frames are the last axis. Behind the
end of an item every convolution must see the zeros that it would pad a shorter item with, and every
pooling and normalisation must leave them out.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn

__all__ = [
    "Mask",
    "blank",
    "length_mask",
    "masked_mean",
    "masked_variance",
    "reflect",
    "strided",
    "windowed",
]

Mask: TypeAlias = Tensor | None
"""Bool ``(batch, frames)``; None where all frames of all items are valid."""


def length_mask(lengths: Tensor, frames: int) -> Tensor:
    """Build the mask ``(batch, frames)`` of items of the given lengths."""
    return torch.arange(frames, device=lengths.device) < lengths[:, None]


def blank(x: Tensor, mask: Mask) -> Tensor:
    """Set the invalid frames of ``(batch, ..., frames)`` to zero."""
    return x if mask is None else x.masked_fill(~_aligned(mask, x), 0.0)


def strided(mask: Mask, stride: int) -> Mask:
    """Mask after a convolution with this stride and padding that keeps the length."""
    return mask if mask is None or stride == 1 else mask[:, ::stride]


def windowed(mask: Mask, kernel: int, stride: int) -> Mask:
    """Mask after a convolution or pooling without padding: frames whose window is all valid."""
    return mask if mask is None else mask[:, kernel - 1 :: stride]


def reflect(x: Tensor, mask: Mask, reach: int) -> Tensor:
    """Reflection padding by ``reach`` frames at both ends of each item's valid frames.

    ``(batch, channels, frames)`` -> ``(batch, channels, frames + 2 reach)``; an item needs more
    than ``reach`` valid frames.
    """
    if mask is None:
        return nn.functional.pad(x, (reach, reach), mode="reflect")
    last = mask.sum(dim=-1, keepdim=True) - 1  # (batch, 1)
    index = torch.arange(-reach, x.shape[-1] + reach, device=x.device).abs()[None]
    index = torch.where(index > last, 2 * last - index, index).clamp_min(0)
    return x.gather(-1, index[:, None].expand(-1, x.shape[1], -1))


def masked_mean(x: Tensor, mask: Mask) -> Tensor:
    """Mean over valid frames: ``(batch, ..., frames)`` -> ``(batch, ..., 1)``."""
    if mask is None:
        return x.mean(dim=-1, keepdim=True)
    return blank(x, mask).sum(dim=-1, keepdim=True) / _count(x, mask)


def masked_variance(x: Tensor, mask: Mask, *, correction: int = 1) -> Tensor:
    """Variance over valid frames: ``(batch, ..., frames)`` -> ``(batch, ..., 1)``; zero for one."""
    squares = blank((x - masked_mean(x, mask)).square(), mask).sum(dim=-1, keepdim=True)
    # As a tensor: a Python number would become a constant in an exported graph.
    count = torch.as_tensor(x.shape[-1]) if mask is None else _count(x, mask)
    return squares / (count - correction).clamp_min(1)


def _aligned(mask: Tensor, x: Tensor) -> Tensor:
    """View a mask with as many axes as ``x``."""
    return mask.view(mask.shape[0], *[1] * (x.dim() - 2), mask.shape[1])


def _count(x: Tensor, mask: Tensor) -> Tensor:
    return _aligned(mask, x).sum(dim=-1, keepdim=True).to(x.dtype).clamp_min(1.0)
