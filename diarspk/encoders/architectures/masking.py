"""Padding that changes nothing: masks of the frames that each item of a batch really has.

A network's inputs are ``(batch, frames, channels)`` with a mask ``(batch, frames)`` that is true
on an item's own frames, which come first. Inside, the frames are the last axis. An item shorter
than its batch then has to look, to every convolution, pooling and normalisation, as it would
alone: behind its end there are the zeros that the convolution itself would have put there.
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
"""Of bool, ``(batch, frames)``; None where every item has every frame."""


def length_mask(lengths: Tensor, frames: int) -> Tensor:
    """Mask ``(batch, frames)`` of items of these lengths."""
    return torch.arange(frames, device=lengths.device) < lengths[:, None]


def blank(x: Tensor, mask: Mask) -> Tensor:
    """Zero the frames (the last axis of ``(batch, ..., frames)``) behind each item's end."""
    return x if mask is None else x.masked_fill(~_aligned(mask, x), 0.0)


def strided(mask: Mask, stride: int) -> Mask:
    """Mask of the output of a convolution with this stride that pads to keep the length."""
    return mask if mask is None or stride == 1 else mask[:, ::stride]


def windowed(mask: Mask, kernel: int, stride: int) -> Mask:
    """Mask of the output of a convolution or pooling without padding: whole windows only."""
    return mask if mask is None else mask[:, kernel - 1 :: stride]


def reflect(x: Tensor, mask: Mask, reach: int) -> Tensor:
    """Add ``reach`` frames on both sides that mirror each item about its first and last frame.

    ``(batch, channels, frames)`` -> ``(batch, channels, frames + 2 reach)``; an item needs more
    than ``reach`` frames.
    """
    if mask is None:
        return nn.functional.pad(x, (reach, reach), mode="reflect")
    last = mask.sum(dim=-1, keepdim=True) - 1  # (batch, 1)
    index = torch.arange(-reach, x.shape[-1] + reach, device=x.device).abs()[None]
    index = torch.where(index > last, 2 * last - index, index).clamp_min(0)
    return x.gather(-1, index[:, None].expand(-1, x.shape[1], -1))


def masked_mean(x: Tensor, mask: Mask) -> Tensor:
    """Mean over an item's own frames: ``(batch, ..., frames)`` -> ``(batch, ..., 1)``."""
    if mask is None:
        return x.mean(dim=-1, keepdim=True)
    return blank(x, mask).sum(dim=-1, keepdim=True) / _count(x, mask)


def masked_variance(x: Tensor, mask: Mask, *, correction: int = 1) -> Tensor:
    """Variance over an item's own frames, ``(batch, ..., 1)``; zero for a single frame."""
    squares = blank((x - masked_mean(x, mask)).square(), mask).sum(dim=-1, keepdim=True)
    # As a tensor: exporters keep its dependence on the length only so.
    count = torch.as_tensor(x.shape[-1]) if mask is None else _count(x, mask)
    return squares / (count - correction).clamp_min(1)


def _aligned(mask: Tensor, x: Tensor) -> Tensor:
    """View a mask with as many axes as ``x``."""
    return mask.view(mask.shape[0], *[1] * (x.dim() - 2), mask.shape[1])


def _count(x: Tensor, mask: Tensor) -> Tensor:
    return _aligned(mask, x).sum(dim=-1, keepdim=True).to(x.dtype).clamp_min(1.0)
