"""Approximate nearest-neighbour index of a large gallery: faiss, eight bits for each coordinate.

All entries are compared, in eight bits: there is no graph or partition in which a neighbour could
be missed. The index is derived data: a file that may be missing, damaged or outdated. Its
candidates are compared exactly in the database.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.atomic import atomic_path
from diarspk.errors import ModelError

__all__ = ["IndexRecord", "VectorIndex", "open_index"]

RANGE_MARGIN = 0.1
"""Share by which the range of eight bits exceeds that of the sample that it is fitted to."""


@dataclass(frozen=True)
class IndexRecord:
    """Record of the index in the database.

    Attributes
    ----------
    file, sha256 : str
        Name and digest of its file.
    epoch, last, count : int
        Epoch of the gallery's space, number of the last indexed entry, and number of entries.
    """

    file: str
    sha256: str
    epoch: int
    last: int
    count: int


class VectorIndex:
    """Index in memory of unit vectors with their entries' numbers.

    Parameters
    ----------
    sample : ndarray, ``(n, dim)``
        Vectors that the range of each coordinate is taken from.
    """

    def __init__(self, sample: NDArray[np.float32]) -> None:
        faiss = _faiss()
        scalar = faiss.IndexScalarQuantizer(
            sample.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        )
        scalar.sq.rangestat_arg = RANGE_MARGIN
        scalar.train(sample)
        self._index: Any = faiss.IndexIDMap(scalar)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, blocks: Iterable[tuple[NDArray[np.int64], NDArray[np.float32]]]) -> None:
        """Add blocks of entry numbers ``(n,)`` and unit vectors ``(n, dim)``."""
        for numbers, rows in blocks:
            self._index.add_with_ids(rows, numbers)

    def candidates(self, query: NDArray[np.float32], count: int) -> list[int]:
        """Find the numbers of the entries that are probably nearest to a unit vector ``(dim,)``."""
        if not len(self):
            return []
        _, found = self._index.search(query[None], min(count, len(self)))
        return [int(number) for number in found[0] if number >= 0]

    def write(self, file: Path) -> str:
        """Write the index atomically; returns the digest of the file."""
        data = memoryview(_faiss().serialize_index(self._index))
        with atomic_path(file, durable=True) as part:
            part.write_bytes(data)
        return hashlib.sha256(data).hexdigest()


def open_index(file: Path, sha256: str) -> VectorIndex | None:
    """Read an index; None where it is missing, unreadable, or not the one of that digest."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data).hexdigest() != sha256:
        return None
    index = VectorIndex.__new__(VectorIndex)
    index._index = _faiss().deserialize_index(np.frombuffer(data, np.uint8))
    return index


def _faiss() -> Any:
    if sys.platform == "darwin":
        # faiss and PyTorch bring one OpenMP runtime each, and macOS may abort a process with two:
        # https://github.com/faiss-wheels/faiss-wheels/issues/73
        raise ModelError("no index on macOS: faiss and PyTorch may not share a process there")
    try:
        import faiss
    except ImportError as error:
        raise ModelError(
            f"no index without faiss ({error}); pip install 'diarspk[gallery]'"
        ) from error
    return faiss
