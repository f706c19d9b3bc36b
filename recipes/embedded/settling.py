"""Batch-norm statistics over many batches, once the weights have settled.

The running statistics of training remember some ten batches only. Batches of one crop length each
differ so much that whatever came last would tilt every embedding (Wu & Johnson 2021, section 3).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from recipes.embedded.data import SpeakerCrops

BATCHES = 60


@torch.no_grad()
def settle_norms(embed: nn.Module, crops: SpeakerCrops, *, batches: int = BATCHES) -> None:
    """Replace the running statistics of ``embed`` by plain means over training batches.

    ``embed`` takes ``(batch, frames, mels)``; it is left in evaluation mode.
    """
    norms = [m for m in embed.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean
    embed.train()
    for features in _features(crops, batches):
        embed(features)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    embed.eval()


def _features(crops: SpeakerCrops, batches: int) -> Iterator[Tensor]:
    for batch, _ in zip(crops, range(batches), strict=False):
        yield batch["features"]
