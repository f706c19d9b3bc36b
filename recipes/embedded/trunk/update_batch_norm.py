"""Batch-norm statistics over many batches, once the weights have settled.

The running statistics of training remember some ten batches only, and batches differ: in crop
length, in how much of them is silence. Whatever came last would tilt every embedding (Wu & Johnson
2021, section 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import nn

Batch = TypeVar("Batch")


def norms(module: nn.Module) -> list[nn.BatchNorm1d | nn.BatchNorm2d]:
    """All batch norms of a module."""
    return [m for m in module.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]


@torch.no_grad()
def settle_norms(
    module: nn.Module, forward: Callable[[Batch], object], batches: Iterable[Batch]
) -> None:
    """Replace running statistics by plain means over ``forward`` of all ``batches``.

    The norms of ``module`` are left in evaluation mode.
    """
    layers = norms(module)
    momenta = [norm.momentum for norm in layers]
    for norm in layers:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean
        norm.train()
    for batch in batches:
        forward(batch)
    for norm, momentum in zip(layers, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
