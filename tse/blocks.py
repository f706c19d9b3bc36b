"""A long recording in overlapping blocks that fade into each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ArgumentError

__all__ = ["BlockConfig", "extract_blocks"]

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class BlockConfig:
    """Seconds of a block, and of its overlap with the next one."""

    block_s: float = 15.0
    overlap_s: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < 2 * self.overlap_s <= self.block_s:
            raise ArgumentError(
                f"`overlap_s` must be positive and at most half of block_s={self.block_s}, "
                f"got {self.overlap_s}"
            )


def extract_blocks(
    chunks: Iterable[Samples], extract: Callable[[Samples], Samples], config: BlockConfig
) -> Iterator[Samples]:
    """Apply ``extract`` to overlapping blocks of a stream and cross-fade what comes out.

    Parameters
    ----------
    chunks
        Consecutive ``(time,)`` of any lengths.
    extract
        ``(time,)`` to ``(speakers, time)``, of the same time.

    Returns
    -------
    iterator of ndarray, ``(speakers, time)``
        Consecutive; joined, as long as the chunks together. A stream of one block at most is
        extracted whole.
    """
    block, overlap = round(config.block_s * SAMPLE_RATE), round(config.overlap_s * SAMPLE_RATE)
    rise = ((np.arange(overlap) + 0.5) / overlap).astype(np.float32)
    waiting, tail = np.zeros(0, np.float32), None
    for chunk in chunks:
        waiting = np.concatenate([waiting, chunk])
        while len(waiting) > block:
            found = _fade(extract(waiting[:block]), tail, rise)
            yield found[:, : block - overlap]
            tail = found[:, block - overlap :]
            waiting = waiting[block - overlap :]
    if len(waiting):
        yield _fade(extract(waiting), tail, rise)


def _fade(found: Samples, tail: Samples | None, rise: Samples) -> Samples:
    """Blend the beginning of a block with the end of the one before."""
    if tail is None:
        return found
    overlap = tail.shape[1]
    head = tail * (1 - rise) + found[:, :overlap] * rise
    return np.concatenate([head, found[:, overlap:]], axis=1)
