"""Arrays on disk, so that a study that was interrupted goes on where it stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.atomic import atomic_path

__all__ = ["ArrayCache", "digest"]

Arrays = dict[str, NDArray[Any]]


class ArrayCache:
    """Named arrays by a text that decides on them.

    Parameters
    ----------
    folder : Path
        Made where it is missing; safe to delete.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str, make: Callable[[], Arrays]) -> Arrays:
        """Read the arrays of ``key``, or make and keep them; a file is whole or not there."""
        path = self._path(key)
        if path.is_file():
            with np.load(path, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files if name != "key"}
        arrays = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as part, part.open("wb") as stream:
            np.savez(stream, allow_pickle=False, key=np.array(key), **arrays)
        return arrays

    def _path(self, key: str) -> Path:
        digest = hashlib.sha256(key.encode()).hexdigest()[:24]
        return self.folder / digest[:2] / f"{digest}.npz"


def digest(parts: Sequence[object]) -> str:
    """Digest whatever has a representation, for a key."""
    return hashlib.sha256(repr(list(parts)).encode()).hexdigest()[:16]
