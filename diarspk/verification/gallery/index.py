"""Approximate nearest-neighbour index of a gallery: sign hashing, then eight-bit scores.

Rows are centred and rotated at random; then the signs of all coordinates are equally informative,
and the share in which two rows differ estimates the angle between them (Charikar, "Similarity
estimation techniques from rounding algorithms", STOC 2002, section 3). Those nearest in signs are
compared in eight bits. There is no graph to build: in so many dimensions, greedy search from
neighbour to neighbour often ends at another person.

The index is derived data: a folder that may be missing or outdated. Its candidates are compared
exactly in the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.atomic import atomic_path

__all__ = ["IndexNote", "SignIndex", "open_index", "write_index"]

LEVELS = 127
MIN_SCALE = 1e-12
WORD_BITS = 64
BLOCK = 65536
"""Entries that are sifted at once: their data fits the processor's cache."""
MIN_SIFTED = 2000

Block = tuple[NDArray[np.int64], NDArray[np.float32]]


@dataclass(frozen=True)
class IndexNote:
    """Record of the index in the database.

    Attributes
    ----------
    file : str
        Name of its folder.
    epoch, last : int
        Epoch of the gallery's space, and number of the last indexed entry.
    sifted : float
        Share of the entries, in (0, 1], that a search compares in eight bits.
    """

    file: str
    epoch: int
    last: int
    sifted: float


@dataclass(frozen=True)
class SignIndex:
    """Opened index of ``n`` entries; its arrays are memory-mapped.

    Attributes
    ----------
    numbers : numpy.ndarray, shape (n,)
        Numbers of the entries.
    signs : numpy.ndarray of uint64, shape (words, n)
        One bit per coordinate.
    rows : numpy.ndarray of int8, shape (n, dim)
        Centred and rotated rows, divided by ``scales``.
    scales : numpy.ndarray, shape (n,)
    centre : numpy.ndarray, shape (dim,)
        Mean of all vectors.
    rotation : numpy.ndarray, shape (dim, dim)
    sifted : int
        Number of entries that are compared in eight bits.
    """

    numbers: NDArray[np.int64]
    signs: NDArray[np.uint64]
    rows: NDArray[np.int8]
    scales: NDArray[np.float32]
    centre: NDArray[np.float32]
    rotation: NDArray[np.float32]
    sifted: int

    def candidates(self, vector: NDArray[np.float32], count: int) -> list[int]:
        """Find the numbers of the entries that are probably nearest to a unit vector ``(dim,)``."""
        near = self._sift(_signs((vector - self.centre) @ self.rotation))
        # The centre's share of the cosine is common to all entries, so it is left out.
        scores = (self.rows[near] @ (vector @ self.rotation)) * self.scales[near]
        best = near[np.argsort(-scores, kind="stable")[:count]]
        return [int(number) for number in self.numbers[best]]

    def _sift(self, signs: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Find the entries that differ in the fewest signs, all ties included."""
        differing = np.empty(len(self.numbers), np.uint16)
        for first in range(0, len(differing), BLOCK):
            part = differing[first : first + BLOCK]
            part[:] = 0
            for words, word in zip(self.signs, signs, strict=True):
                part += np.bitwise_count(words[first : first + BLOCK] ^ word)
        at_most = np.bincount(differing).cumsum()
        return np.flatnonzero(differing <= np.searchsorted(at_most, self.sifted))


def write_index(
    folder: Path, dimension: int, count: int, blocks: Callable[[], Iterable[Block]]
) -> None:
    """Write the index of entries, atomically.

    Parameters
    ----------
    folder : Path
        Must not exist yet.
    dimension, count : int
        Dimension and number of the vectors.
    blocks : callable
        Returns the blocks of entry numbers ``(n,)`` and unit vectors ``(n, dim)``; called twice.
    """
    with atomic_path(folder, durable=True) as part:
        part.mkdir()
        _write_arrays(part, dimension, count, blocks)


def _write_arrays(
    folder: Path, dimension: int, count: int, blocks: Callable[[], Iterable[Block]]
) -> None:
    total = np.zeros(dimension)
    for _, rows in blocks():
        total += rows.sum(0, dtype=np.float64)
    centre = (total / max(count, 1)).astype(np.float32)
    rotation = _rotation(dimension)
    np.save(folder / "centre.npy", centre)
    np.save(folder / "rotation.npy", rotation)
    numbers = _create(folder, "numbers", np.int64, (count,))
    signs = _create(folder, "signs", np.uint64, (-(-dimension // WORD_BITS), count))
    quantized = _create(folder, "rows", np.int8, (count, dimension))
    scales = _create(folder, "scales", np.float32, (count,))
    first = 0
    for block, rows in blocks():
        places = slice(first, first + len(block))
        turned = (rows - centre) @ rotation
        numbers[places] = block
        signs[:, places] = _signs(turned)
        largest = np.maximum(np.abs(turned).max(1, keepdims=True), MIN_SCALE)
        quantized[places] = np.round(LEVELS * (turned / largest))
        scales[places] = largest[:, 0] / LEVELS
        first += len(block)
    for array in (numbers, signs, quantized, scales):
        array.flush()


def open_index(folder: Path, sifted: float) -> SignIndex | None:
    """Memory-map an index; None where it is missing or damaged."""
    names = ("numbers", "signs", "rows", "scales", "centre", "rotation")
    try:
        numbers, signs, rows, scales, centre, rotation = (
            np.load(folder / f"{name}.npy", mmap_mode="r") for name in names
        )
    except (EOFError, OSError, ValueError):
        return None
    count = max(MIN_SIFTED, round(sifted * len(numbers)))
    return SignIndex(numbers, signs, rows, scales, np.array(centre), np.array(rotation), count)


def _create(folder: Path, name: str, kind: type[np.generic], shape: tuple[int, ...]) -> np.memmap:
    return np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind, shape=shape)


def _rotation(dimension: int) -> NDArray[np.float32]:
    """Draw a rotation ``(dim, dim)`` from the uniform distribution, with a fixed seed."""
    drawn = np.random.default_rng(0).normal(size=(dimension, dimension))
    return np.linalg.qr(drawn)[0].astype(np.float32)


def _signs(rows: NDArray[np.floating[Any]]) -> NDArray[np.uint64]:
    """Pack the signs of rows ``(..., dim)`` into words ``(words, ...)``."""
    bits = np.packbits(rows > 0, axis=-1)
    missing = -bits.shape[-1] % (WORD_BITS // 8)
    padded = np.pad(bits, [(0, 0)] * (bits.ndim - 1) + [(0, missing)])
    return np.moveaxis(np.ascontiguousarray(padded).view(np.uint64), -1, 0)
