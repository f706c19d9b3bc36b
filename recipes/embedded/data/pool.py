"""Packed features, and which of their rows are voices of their own."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipes.embedded.data.degradation import SPEED
from recipes.embedded.data.teacher_frames import Piece

__all__ = [
    "FRAMES_PER_SECOND",
    "SPEEDS",
    "WARPED",
    "WARPED_VARIANTS",
    "JoinedPool",
    "Pool",
    "read_pool",
    "speed_of",
]

FRAMES_PER_SECOND = 100

SPEEDS = ("plain", *SPEED)
"""Kinds of copies that are voices of their own; plain are those as recorded or only degraded."""

WARPED = "warped"
"""Kind of the utterances in changed voices (``warping.py``): no two of them are of one voice."""

WARPED_VARIANTS = (WARPED, "warped-degraded")


@dataclass(frozen=True)
class Pool:
    """Packed features with one row of ``start, frames, utterance, variant`` for each recording."""

    features: NDArray[np.float16]
    start: NDArray[np.int64]
    frames: NDArray[np.int64]
    utterance: list[str]
    variant: list[str]

    def crop(self, row: int, length: int, generator: np.random.Generator) -> NDArray[np.float16]:
        """Draw at most ``length`` consecutive frames of a recording from a random place."""
        return self.read(self.piece(row, length, generator))

    def piece(self, row: int, length: int, generator: np.random.Generator) -> Piece:
        """Say which frames :meth:`crop` takes."""
        frames = int(self.frames[row])
        first = int(generator.integers(max(frames - length, 0) + 1))
        return Piece(row, first, first + min(length, frames))

    def read(self, piece: Piece) -> NDArray[np.float16]:
        """Features ``(frames, mels)`` of a piece."""
        start = int(self.start[piece.row])
        return self.features[start + piece.first : start + piece.end]


class JoinedPool(Pool):
    """Two pools as one: the rows of the second follow those of the first."""

    parts: tuple[Pool, Pool]

    def __init__(self, first: Pool, second: Pool) -> None:
        super().__init__(
            first.features,
            np.concatenate([first.start, second.start]),
            np.concatenate([first.frames, second.frames]),
            first.utterance + second.utterance,
            first.variant + second.variant,
        )
        object.__setattr__(self, "parts", (first, second))

    def read(self, piece: Piece) -> NDArray[np.float16]:
        """See :meth:`Pool.read`."""
        first, second = self.parts
        behind = piece.row - len(first.start)
        return first.read(piece) if behind < 0 else second.read(piece._replace(row=behind))


def read_pool(folder: Path, *, in_memory: bool = True) -> Pool:
    with (folder / "index.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    features = np.load(folder / "features.npy", mmap_mode=None if in_memory else "r")
    return Pool(
        features,
        np.array([int(row["start"]) for row in rows]),
        np.array([int(row["frames"]) for row in rows]),
        [row["utterance"] for row in rows],
        [row["variant"] for row in rows],
    )


def speed_of(variant: str) -> str:
    """Map a variant to its speed, one of :data:`SPEEDS` or :data:`WARPED`."""
    if variant in WARPED_VARIANTS:
        return WARPED
    return variant if variant in SPEEDS else SPEEDS[0]
