"""Targets for distillation frame by frame: a teacher's features before it pools them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["FrameTargets", "JoinedFrameTargets", "Piece", "read_frame_targets"]


class Piece(NamedTuple):
    """Consecutive feature frames of a row of the pool, numbered within it."""

    row: int
    first: int
    end: int


@dataclass(frozen=True, eq=False)
class FrameTargets:
    """Frame features of a teacher, for the recordings that it has embedded.

    Attributes
    ----------
    vectors : array, ``(frames, dimension)``
        Centred, on principal axes.
    start, count : array, ``(rows,)``
        First vector of each row of the pool, and how many it has; a row that the teacher has not
        embedded has none.
    stride : int
        Feature frames for each vector; the first is centred on the first of them.
    """

    vectors: NDArray[np.float16]
    start: NDArray[np.int64]
    count: NDArray[np.int64]
    stride: int

    @property
    def dimension(self) -> int:
        return int(self.vectors.shape[1])

    def read(self, pieces: Sequence[Piece]) -> NDArray[np.float16]:
        """Read the target of every ``stride``-th frame of pieces that follow one another.

        Returns
        -------
        array, ``(ceil(frames / stride), dimension)``
            The teacher's nearest frame; zeros where it has not embedded the piece.
        """
        index = np.concatenate([self._index(piece) for piece in pieces])[:: self.stride]
        targets = np.zeros((len(index), self.dimension), np.float16)
        known = index >= 0
        targets[known] = self.vectors[index[known]]
        return targets

    def _index(self, piece: Piece) -> NDArray[np.int64]:
        """Vector of each frame of a piece; -1 where there is none."""
        frames, count = np.arange(piece.first, piece.end), self.count[piece.row]
        if not count:
            return np.full_like(frames, -1)
        nearest = np.minimum((frames + self.stride // 2) // self.stride, count - 1)
        index: NDArray[np.int64] = self.start[piece.row] + nearest
        return index


class JoinedFrameTargets(FrameTargets):
    """Targets of two pools as one: the rows of the second follow those of the first."""

    parts: tuple[FrameTargets, FrameTargets]

    def __init__(self, first: FrameTargets, second: FrameTargets) -> None:
        super().__init__(
            first.vectors,
            np.concatenate([first.start, second.start]),
            np.concatenate([first.count, second.count]),
            first.stride,
        )
        object.__setattr__(self, "parts", (first, second))

    def read(self, pieces: Sequence[Piece]) -> NDArray[np.float16]:
        """See :meth:`FrameTargets.read`; all pieces are of one pool."""
        first, second = self.parts
        behind = [piece._replace(row=piece.row - len(first.start)) for piece in pieces]
        return second.read(behind) if behind[0].row >= 0 else first.read(pieces)


def read_frame_targets(folder: Path, keys: Sequence[tuple[str, str]]) -> FrameTargets:
    """Read what ``teacher.py`` wrote.

    Parameters
    ----------
    folder
        With ``teacher.npz`` and ``teacher-frames.npy``.
    keys
        Utterance and speed of each row of the pool.
    """
    stored = np.load(folder / "teacher.npz")
    counts = stored["frames"].astype(np.int64)
    starts = np.cumsum(counts) - counts
    embedded = zip(stored["utterance"].tolist(), stored["speed"].tolist(), strict=True)
    place = {key: number for number, key in enumerate(embedded) if counts[number]}
    rows = np.array([place.get(key, -1) for key in keys])
    return FrameTargets(
        np.load(folder / "teacher-frames.npy", mmap_mode="r"),
        np.where(rows >= 0, starts[rows], 0),
        np.where(rows >= 0, counts[rows], 0),
        int(stored["stride"]),
    )
