"""Vectors on disk, so that a study that was interrupted goes on where it stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.atomic import atomic_path

__all__ = ["VectorCache"]


class VectorCache:
    """Arrays ``(n, dim)`` by a text that decides on them.

    Parameters
    ----------
    folder : Path
        Made where it is missing; safe to delete.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hits = 0

    def get(self, key: str, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Read the array of ``key``, or make and keep it. A file appears whole or not at all."""
        path = self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
        if path.is_file():
            self.hits += 1
            with np.load(path, allow_pickle=False) as stored:
                vectors: NDArray[np.float32] = stored["vectors"]
                return vectors
        vectors = make()
        self.folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as part, part.open("wb") as stream:
            np.savez(stream, vectors=vectors, key=np.array(key))
        return vectors
