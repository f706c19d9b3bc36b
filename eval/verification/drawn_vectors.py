"""Vectors like those of speakers, drawn from a PLDA, and the nearest of them to some queries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.unit_vectors import normalize_rows

__all__ = ["NEIGHBOURS", "speaker_vectors", "write_vectors"]

NEIGHBOURS = 10
REFERENCES = 5
QUERIES = 50
BLOCK = 20_000


def speaker_vectors(
    entries: int, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw unit vectors ``(entries, 192)``, five of each speaker, and queries ``(50, 192)``."""
    from diarspk.diarization.defaults import load_plda  # not in the processes that are measured

    plda = load_plda()
    back = np.linalg.inv(plda.transform)  # (d, dim): from the diagonal space to embeddings
    scale = np.sqrt(plda.dimension)

    def vectors(speakers: NDArray[np.float64]) -> NDArray[np.float32]:
        drawn = speakers + random.normal(size=speakers.shape)
        return normalize_rows((drawn @ back + plda.mean) / scale + plda.origin).astype(np.float32)

    rows = np.empty((entries, plda.dimension), np.float32)
    asked = []
    for first in range(0, entries, BLOCK):
        part = rows[first : first + BLOCK]
        people = random.normal(size=(-(-len(part) // REFERENCES), plda.dimension))
        people *= np.sqrt(plda.between)
        part[:] = vectors(np.repeat(people, REFERENCES, axis=0)[: len(part)])
        asked.append(vectors(people[:QUERIES]))
    return rows, random.permutation(np.concatenate(asked))[:QUERIES]


def write_vectors(folder: Path, entries: int, *, seed: int = 0) -> None:
    """Write vectors, queries, and the numbers of the ten nearest to each query."""
    rows, queries = speaker_vectors(entries, np.random.default_rng(seed))
    nearest = [np.argsort(-(rows @ query), kind="stable")[:NEIGHBOURS] for query in queries]
    for name, array in (("rows", rows), ("queries", queries), ("nearest", np.stack(nearest))):
        np.save(folder / f"{name}.npy", array)
