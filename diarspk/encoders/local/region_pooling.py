"""Pooling of many regions of trunk frames over consecutive blocks of a single pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.encoders.local.network import SpeakerNetwork

__all__ = ["Region", "RegionPool"]


@dataclass(frozen=True, repr=False)
class Region:
    """Weighted trunk frames to pool into one embedding.

    Attributes
    ----------
    first : int
        First trunk frame.
    weights : ndarray of float32, ``(frames,)``
        Weights in [0, 1] of the consecutive frames from there.
    """

    first: int
    weights: NDArray[np.float32]

    def __repr__(self) -> str:
        return f"Region({self.first} to {self.last})"

    @property
    def last(self) -> int:
        """End of the region: one past its last trunk frame."""
        return self.first + len(self.weights)


class RegionPool:
    """Accumulator that pools regions over consecutive blocks; a region may span many of them.

    Statistics pooling adds up: a region that is not complete is its sums so far.
    """

    def __init__(self, network: SpeakerNetwork, regions: Sequence[Region]) -> None:
        self.head = network.utterance
        self.regions = regions
        self.waiting = sorted(range(len(regions)), key=lambda index: -regions[index].first)
        self.open: dict[int, Tensor] = {}  # sums of the regions that have begun
        self.embeddings = np.zeros((len(regions), network.config.dimension), np.float32)

    @torch.inference_mode()
    def add(self, first: int, frames: Tensor) -> None:
        """Add the next block ``(frames, channels)``, whose first trunk frame is ``first``."""
        last = first + len(frames)
        while self.waiting and self.regions[self.waiting[-1]].first < last:
            self.open[self.waiting.pop()] = torch.zeros(())
        if not self.open:
            return
        active = list(self.open)
        weights = torch.from_numpy(np.stack([self._weights(i, first, last) for i in active]))
        weights = weights.to(frames.device)
        moments = self.head.moments(frames[None], weights[None])[0]  # (regions, heads, sums)
        for index, moment in zip(active, moments.unbind(0), strict=True):
            self.open[index] = self.open[index] + moment
        self._embed([index for index in active if self.regions[index].last <= last])

    def _weights(self, index: int, first: int, last: int) -> NDArray[np.float32]:
        region = self.regions[index]
        weights = np.zeros(last - first, np.float32)
        begin, end = max(region.first, first), min(region.last, last)
        weights[begin - first : end - first] = region.weights[
            begin - region.first : end - region.first
        ]
        return weights

    def _embed(self, indices: list[int]) -> None:
        if indices:
            moments = torch.stack([self.open.pop(index) for index in indices])
            embeddings = self.head.embed_moments(moments[None])[0]
            self.embeddings[indices] = nn.functional.normalize(embeddings, dim=-1).numpy(force=True)
