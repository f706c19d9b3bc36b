"""Rows of the database as vectors; the fingerprint of every row that is read is checked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from heapq import nlargest

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.embeddings.space import Space, require_same_space
from diarspk.embeddings.unit_vectors import unit_rows, unit_vector
from diarspk.verification.gallery.identification import Match

__all__ = [
    "delete_rows",
    "insert_row",
    "nearest",
    "read_blocks",
    "read_profiles",
    "read_rows",
    "update_row",
]

BLOCK_ROWS = 8192
NAMES_PER_QUERY = 500
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
        (speaker, source, seconds, fingerprint, _to_bytes(row)),
    )
    return int(cursor.lastrowid or 0)


def update_row(
    connection: sqlite3.Connection, number: int, vector: ArrayLike, space: Space
) -> None:
    """Replace the vector of a reference by one of another space, after the gallery's space."""
    row = unit_rows(vector, space.dimension)[0]
    connection.execute(
        "UPDATE entries SET vector = ?, fingerprint = ? WHERE id = ?",
        (_to_bytes(row), space.fingerprint, number),
    )


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


def read_rows(
    connection: sqlite3.Connection, space: Space
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Read the speaker and unit vector ``(dim,)`` of each entry."""
    cursor = connection.execute("SELECT speaker, fingerprint, vector FROM entries ORDER BY id")
    for speaker, fingerprint, blob in cursor:
        yield speaker, _to_rows([fingerprint], [blob], space)[0]


def read_profiles(
    connection: sqlite3.Connection, speakers: Sequence[str], space: Space
) -> dict[str, NDArray[np.float32]]:
    """Read the centroid ``(dim,)``, of unit norm, of each speaker who is enrolled."""
    sums: dict[str, NDArray[np.float32]] = {}
    for first in range(0, len(speakers), NAMES_PER_QUERY):
        names = speakers[first : first + NAMES_PER_QUERY]
        cursor = connection.execute(
            "SELECT speaker, fingerprint, vector FROM entries "
            f"WHERE speaker IN ({','.join('?' * len(names))})",
            names,
        )
        for speaker, fingerprint, blob in cursor:
            row = _to_rows([fingerprint], [blob], space)[0]
            sums[speaker] = sums[speaker] + row if speaker in sums else row
    return {speaker: unit_vector(total).astype(np.float32) for speaker, total in sums.items()}


def nearest(
    connection: sqlite3.Connection,
    query: NDArray[np.float32],
    space: Space,
    limit: int,
    *,
    candidates: Sequence[int] = (),
    after: int = 0,
) -> list[Match]:
    """Compare a unit vector ``(dim,)`` exactly with candidates, and with all after ``after``."""
    scored: list[tuple[float, int]] = []
    for numbers, rows in _blocks(connection, space, candidates, after):
        scores = rows @ query
        best = np.argsort(-scores, kind="stable")[:limit]
        pairs = zip(scores[best].tolist(), (-numbers[best]).tolist(), strict=True)
        scored = nlargest(limit, [*scored, *pairs])  # of equal scores, the earlier entry
    return [_match(connection, -negative, score) for score, negative in scored]


def _blocks(
    connection: sqlite3.Connection, space: Space, candidates: Sequence[int], after: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    if candidates:
        found = connection.execute(
            "SELECT id, fingerprint, vector FROM entries "
            f"WHERE id <= ? AND id IN ({','.join(str(int(number)) for number in candidates)})",
            (after,),
        ).fetchall()
        if found:
            numbers, fingerprints, blobs = zip(*found, strict=True)
            yield np.array(numbers, np.int64), _to_rows(fingerprints, blobs, space)
    yield from read_blocks(connection, space, after=after)


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
    return flat.reshape(len(blobs), space.dimension).astype(np.float32)


def _to_bytes(row: NDArray[np.float32]) -> bytes:
    return row.astype(LITTLE_ENDIAN).tobytes()
