"""An approximate index of a gallery's vectors (hierarchical navigable small worlds, usearch).

It is derived data: a file that may be missing or old. It proposes entries, and the database has
the last word on each.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ModelError

if TYPE_CHECKING:
    from usearch.index import Index

__all__ = ["IndexConfig", "IndexNote", "open_index", "propose", "write_index"]


@dataclass(frozen=True)
class IndexConfig:
    """Settings of the graph, whose vectors have eight bits a dimension: it only proposes.

    Attributes
    ----------
    connectivity, expansion_add : int
        Neighbours of a node, and candidates while it is added: more are slower to build.
    expansion_search : int
        Candidates while searching: more find more of the true neighbours.
    """

    connectivity: int = 16
    expansion_add: int = 128
    expansion_search: int = 256


@dataclass(frozen=True)
class IndexNote:
    """What the database knows of the index: its file, the epoch, and the last entry in it."""

    file: str
    epoch: int
    last: int


def write_index(
    path: Path,
    dimension: int,
    blocks: Iterable[tuple[NDArray[np.int64], NDArray[np.float32]]],
    config: IndexConfig,
) -> None:
    """Index blocks of entry numbers ``(n,)`` and unit vectors ``(n, dim)`` into a file."""
    index = _index_class()(
        ndim=dimension,
        metric="ip",
        dtype="i8",
        connectivity=config.connectivity,
        expansion_add=config.expansion_add,
        expansion_search=config.expansion_search,
    )
    for numbers, vectors in blocks:
        index.add(numbers.astype(np.uint64), vectors)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        index.save(str(part))
        with part.open("rb+") as stream:
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def open_index(path: Path) -> Index | None:
    """Map an index file into memory; None where it is missing, damaged, or usearch is."""
    try:
        return _index_class().restore(str(path), view=True)
    except (ModelError, OSError, RuntimeError, ValueError):
        return None


def propose(index: Index, vector: NDArray[np.float32], count: int) -> list[int]:
    """Numbers of the entries that are likely nearest to a unit vector ``(dim,)``."""
    return [int(key) for key in index.search(vector, count).keys]


def _index_class() -> type[Index]:
    try:
        from usearch.index import Index
    except ImportError as error:
        raise ModelError(
            "an index needs the package usearch; pip install 'diarspk[gallery]'"
        ) from error
    return Index
