"""Crops of packed recordings, the same for teacher and students."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recipes.embedded.data.pool import Pool

__all__ = ["Crops", "draw_crops", "frame_places", "whole_recording"]

Features = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Crops:
    """Places of crops of one length.

    Attributes
    ----------
    rows, begins : ndarray, ``(crops,)``
        Recording of the pool, and the frame in it at which the crop begins.
    frames : int
        Of a crop; a recording with fewer is repeated.
    """

    rows: NDArray[np.int64]
    begins: NDArray[np.int64]
    frames: int

    def features(self, pool: Pool, chosen: NDArray[np.int64], *, centred: bool = True) -> Features:
        """Features ``(chosen, frames, mels)``, less their mean over time where ``centred``."""
        return np.stack([self._cut(pool, number, centred) for number in chosen.tolist()])

    def _cut(self, pool: Pool, number: int, centred: bool) -> Features:
        row, begin = int(self.rows[number]), int(self.begins[number])
        start = int(pool.start[row]) + begin
        length = min(self.frames, int(pool.frames[row]) - begin)
        return _repeated(pool.features[start : start + length], self.frames, centred)


def draw_crops(
    pool: Pool, variants: Sequence[str], frames: int, seed: int, *, limit: int | None = None
) -> Crops:
    """Draw one crop of every recording of these variants, or of ``limit`` of them."""
    rows = [row for row, variant in enumerate(pool.variant) if variant in variants]
    generator = np.random.default_rng(seed)
    if limit is not None and limit < len(rows):
        rows = np.sort(generator.choice(rows, limit, replace=False)).tolist()
    room = np.maximum(pool.frames[rows] - frames, 0)
    return Crops(np.array(rows, np.int64), generator.integers(room + 1), frames)


def whole_recording(pool: Pool, row: int, minimum: int, *, centred: bool = True) -> Features:
    """Features ``(frames, mels)`` of a recording, repeated where it is shorter than a minimum."""
    start, length = int(pool.start[row]), int(pool.frames[row])
    return _repeated(pool.features[start : start + length], max(length, minimum), centred)


def frame_places(frames: int, context: int, count: int, stride: int = 1) -> NDArray[np.int64]:
    """Feature frames, evenly spread over a crop, that have so much context on either side.

    They are multiples of the stride of a teacher, whose frames are centred on these.
    """
    first, last = -(-context // stride), (frames - 1 - context) // stride
    places = np.linspace(first, last, count).round()
    return places.astype(np.int64) * stride


def _repeated(features: NDArray[np.float16], frames: int, centred: bool) -> Features:
    repeated: Features = np.resize(features, (frames, features.shape[1])).astype(np.float32)
    return repeated - repeated.mean(axis=0) if centred else repeated
