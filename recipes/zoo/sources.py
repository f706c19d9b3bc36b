"""Batches of a run: drawn by number, so that any of them can be made again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Protocol

import numpy as np
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from diarspk.features.log_mel import FeatureConfig
from recipes.zoo.held_out import HeldOut
from recipes.zoo.packed import open_held_out_packed, open_packed
from recipes.zoo.settings import Phase, Settings

__all__ = ["BatchSource", "NumberedBatches", "Source", "open_held_out", "open_source"]


class BatchSource(Protocol):
    """Draws batches."""

    def batch(self, generator: np.random.Generator) -> dict[str, Tensor]:
        """Draw ``features (batch, frames, mels)``, or waveforms, and what is to be learned."""
        ...


class Source(BatchSource, Protocol):
    """Training data whose batches hold ``label (batch,)``.

    Attributes
    ----------
    classes : int
        Speakers, those of altered speed included.
    """

    @property
    def classes(self) -> int: ...


class NumberedBatches(IterableDataset[dict[str, Tensor]]):
    """Every ``world``-th batch from number ``first * world + rank`` on.

    A batch depends on the seed and its number alone: training that is resumed, or that runs on
    another number of processes, sees the batches that it would have seen.
    """

    def __init__(
        self, source: BatchSource, seed: int, *, first: int, rank: int, world: int
    ) -> None:
        self.source, self.seed = source, seed
        self.first, self.rank, self.world = first, rank, world

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        loader = get_worker_info()  # workers take turns, so that the order stays the same
        begin, step = (0, 1) if loader is None else (loader.id, loader.num_workers)
        for index in count(self.first + begin, step):
            number = index * self.world + self.rank
            yield self.source.batch(np.random.default_rng([self.seed, number]))


def open_source(settings: Settings, phase: Phase, features: FeatureConfig | None) -> Source:
    """Open the data of a phase.

    Raises
    ------
    ArgumentError
        If the data are features, and the architecture reads the waveform.
    """
    if settings.data.kind == "lhotse":
        from recipes.zoo.cut_crops import open_cuts

        return open_cuts(settings, phase, features)
    return open_packed(settings, phase, features)


def open_held_out(settings: Settings, features: FeatureConfig | None) -> HeldOut | None:
    """Open the crops that training is validated on; None where no speaker is held out."""
    if not settings.validation.speakers:
        return None
    if settings.data.kind == "lhotse":
        from recipes.zoo.cut_crops import open_held_out_cuts

        return open_held_out_cuts(settings, features)
    return open_held_out_packed(settings)
