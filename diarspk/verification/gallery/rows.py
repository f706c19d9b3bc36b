"""Rows of the database as vectors; the fingerprint of every row that is read is checked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.embeddings.space import Space, require_same_space
from diarspk.embeddings.unit_vectors import unit_rows, unit_vector
from diarspk.errors import ModelError
from diarspk.formats.names import escape_undecoded
from diarspk.verification.gallery.identification import Match, Person

__all__ = [
    "count_entries",
    "count_people",
    "delete_rows",
    "insert_row",
    "nearest",
    "read_blocks",
    "read_entries",
    "read_people",
    "read_profiles",
    "read_references",
    "read_sample",
    "read_speaker",
    "read_vectors",
    "replace_vectors",
]

BLOCK_ROWS = 8192
NAMES_PER_QUERY = 500
SAMPLE_ROWS = 20_000
ROUNDING = 1e-5
"""More than the error of a cosine in single precision."""
LITTLE_ENDIAN = np.dtype("<f4")


def insert_row(
    connection: sqlite3.Connection,
    speaker: str,
    row: NDArray[np.float32],
    source: str,
    seconds: float,
    fingerprint: str,
) -> int:
    """Insert a reference; returns its number."""
    cursor = connection.execute(
        "INSERT INTO entries (speaker, source, seconds, fingerprint, vector) "
        "VALUES (?, ?, ?, ?, ?)",
        (speaker, escape_undecoded(source), seconds, fingerprint, _to_bytes(row)),
    )
    return int(cursor.lastrowid or 0)


def replace_vectors(
    connection: sqlite3.Connection, space: Space, vectors: Mapping[int, ArrayLike]
) -> bool:
    """Replace the gallery's space, and the vectors of all entries by those of the new one.

    False, and nothing is replaced, if ``vectors`` are not those of just the entries that there are.
    """
    if {number for (number,) in connection.execute("SELECT id FROM entries")} != set(vectors):
        return False
    connection.execute(
        "UPDATE space SET fingerprint = ?, dimension = ?, name = ?, epoch = epoch + 1",
        (space.fingerprint, space.dimension, space.name),
    )
    for number, vector in vectors.items():
        connection.execute(
            "UPDATE entries SET vector = ?, fingerprint = ? WHERE id = ?",
            (_to_bytes(unit_rows(vector, space.dimension)[0]), space.fingerprint, number),
        )
    return True


def count_entries(connection: sqlite3.Connection) -> int:
    """Count the references."""
    return int(connection.execute("SELECT count(*) FROM entries").fetchone()[0])


def count_people(connection: sqlite3.Connection) -> int:
    """Count the enrolled people."""
    return int(connection.execute("SELECT count(DISTINCT speaker) FROM entries").fetchone()[0])


def read_people(connection: sqlite3.Connection) -> list[Person]:
    """Read the enrolled people, by name."""
    rows = connection.execute(
        "SELECT speaker, count(*), sum(seconds), max(enrolled_at) FROM entries "
        "GROUP BY speaker ORDER BY speaker"
    )
    return [Person(*row) for row in rows]


def delete_rows(connection: sqlite3.Connection, speaker: str) -> int:
    """Delete the references of a speaker; returns their number."""
    return connection.execute("DELETE FROM entries WHERE speaker = ?", (speaker,)).rowcount


def read_blocks(
    connection: sqlite3.Connection, space: Space, *, after: int = 0
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Read numbers ``(n,)`` and unit vectors ``(n, dim)`` of the entries after number ``after``."""
    cursor = connection.execute(
        "SELECT id, fingerprint, vector FROM entries WHERE id > ? ORDER BY id", (after,)
    )
    while rows := cursor.fetchmany(BLOCK_ROWS):
        numbers, fingerprints, blobs = zip(*rows, strict=True)
        yield np.array(numbers, np.int64), _to_rows(fingerprints, blobs, space)


def read_vectors(connection: sqlite3.Connection, space: Space) -> dict[int, NDArray[np.float32]]:
    """Read the unit vector ``(dim,)`` of every entry, by its number."""
    return {
        int(number): row
        for numbers, rows in read_blocks(connection, space)
        for number, row in zip(numbers, rows, strict=True)
    }


def read_references(connection: sqlite3.Connection, space: Space) -> dict[str, NDArray[np.float32]]:
    """Read the unit vectors ``(references, dim)`` of each speaker."""
    found: dict[str, list[NDArray[np.float32]]] = {}
    cursor = connection.execute("SELECT speaker, fingerprint, vector FROM entries ORDER BY id")
    for speaker, fingerprint, blob in cursor:
        found.setdefault(speaker, []).append(_to_rows([fingerprint], [blob], space)[0])
    return {speaker: np.stack(rows) for speaker, rows in found.items()}


def read_speaker(
    connection: sqlite3.Connection, speaker: str, space: Space
) -> tuple[list[int], list[str], list[NDArray[np.float32]]]:
    """Read the numbers, sources and unit vectors ``(dim,)`` of the references of a speaker."""
    rows = connection.execute(
        "SELECT id, source, fingerprint, vector FROM entries WHERE speaker = ? ORDER BY id",
        (speaker,),
    ).fetchall()
    if not rows:
        return [], [], []
    numbers, sources, fingerprints, blobs = zip(*rows, strict=True)
    return list(numbers), list(sources), list(_to_rows(fingerprints, blobs, space))


def read_profiles(
    connection: sqlite3.Connection, speakers: Sequence[str], space: Space
) -> dict[str, NDArray[np.float32]]:
    """Read the centroid ``(dim,)``, of unit norm, of each speaker who is enrolled."""
    sums: dict[str, NDArray[np.float32]] = {}
    for first in range(0, len(speakers), NAMES_PER_QUERY):
        names = speakers[first : first + NAMES_PER_QUERY]
        cursor = connection.execute(
            f"SELECT speaker, fingerprint, vector FROM entries WHERE speaker IN ({_marks(names)})",
            names,
        )
        for speaker, fingerprint, blob in cursor:
            row = _to_rows([fingerprint], [blob], space)[0]
            sums[speaker] = sums[speaker] + row if speaker in sums else row
    return {speaker: unit_vector(total).astype(np.float32) for speaker, total in sums.items()}


def read_entries(
    connection: sqlite3.Connection, space: Space, numbers: Sequence[int]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Read those entries of the given numbers that exist, as `read_blocks` does."""
    for first in range(0, len(numbers), NAMES_PER_QUERY):
        asked = numbers[first : first + NAMES_PER_QUERY]
        rows = connection.execute(
            f"SELECT id, fingerprint, vector FROM entries WHERE id IN ({_marks(asked)})", asked
        ).fetchall()
        if rows:
            found, fingerprints, blobs = zip(*rows, strict=True)
            yield np.array(found, np.int64), _to_rows(fingerprints, blobs, space)


def read_sample(connection: sqlite3.Connection, space: Space) -> NDArray[np.float32]:
    """Read the vectors ``(n, dim)`` of about 20,000 entries, from all of the gallery."""
    last = connection.execute("SELECT ifnull(max(id), 0) FROM entries").fetchone()[0]
    step = max(1, last // SAMPLE_ROWS)
    rows = connection.execute(
        "SELECT fingerprint, vector FROM entries WHERE id % ? = 0", (step,)
    ).fetchall()
    if len(rows) < last // step // 2:  # those numbers have been removed
        rows = connection.execute(
            "SELECT fingerprint, vector FROM entries LIMIT ?", (SAMPLE_ROWS,)
        ).fetchall()
    if not rows:
        return np.zeros((1, space.dimension), np.float32)
    fingerprints, blobs = zip(*rows, strict=True)
    return _to_rows(fingerprints, blobs, space)


def nearest(
    connection: sqlite3.Connection,
    query: NDArray[np.float32],
    blocks: Iterable[tuple[NDArray[np.int64], NDArray[np.float32]]],
    limit: int,
) -> list[Match]:
    """Compare a unit vector ``(dim,)`` with blocks of entries; of equal ones, the earlier first."""
    best: list[tuple[float, int]] = []
    for numbers, rows in blocks:
        scores = rows @ query
        place = max(0, len(scores) - limit)
        # The last bits of a product of matrices depend on their shapes; those of the sums below
        # do not. All that might be among the nearest by them are taken along.
        least = np.partition(scores, place)[place] - ROUNDING
        near = np.flatnonzero(scores >= least)
        exact = (rows[near].astype(np.float64) * query).sum(1)
        best += zip((-exact).tolist(), numbers[near].tolist(), strict=True)
        best = nsmallest(limit, best)
    return [_match(connection, number, -negative) for negative, number in best]


def _match(connection: sqlite3.Connection, number: int, score: float) -> Match:
    speaker, source = connection.execute(
        "SELECT speaker, source FROM entries WHERE id = ?", (number,)
    ).fetchone()
    return Match(number, speaker, source, score)


def _to_rows(
    fingerprints: Sequence[str], blobs: Sequence[bytes], space: Space
) -> NDArray[np.float32]:
    for fingerprint in set(fingerprints):
        require_same_space(space.fingerprint, fingerprint, "the gallery")
    flat = np.frombuffer(b"".join(blobs), LITTLE_ENDIAN)
    if len(flat) != len(blobs) * space.dimension or not np.isfinite(flat).all():
        raise ModelError("the gallery: a stored vector is damaged; restore a backup")
    return flat.reshape(len(blobs), space.dimension).astype(np.float32)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _to_bytes(row: NDArray[np.float32]) -> bytes:
    return row.astype(LITTLE_ENDIAN).tobytes()
