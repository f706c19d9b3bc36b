"""References that a speaker has already: a recording that is enrolled once more counts once."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.space import Space
from diarspk.verification.gallery.rows import insert_row, read_speaker

__all__ = ["describe_repeats", "insert_distinct"]

SAME_COSINE = 1 - 1e-5
"""Cosine from which two vectors are of the same recording, perhaps in another format or at another
level; without its first 10 ms, a recording is farther from itself than a hundred times this."""

Reference = tuple[NDArray[np.float32], str, float]
"""Unit vector ``(dim,)``, source and seconds of a reference."""

Repeat = tuple[str, str]
"""Source of a reference that was left out, and of the one that it repeats."""


def insert_distinct(
    connection: sqlite3.Connection, speaker: str, references: Iterable[Reference], space: Space
) -> tuple[list[int], list[Repeat]]:
    """Insert the references that neither the speaker has nor an earlier one of them repeats.

    Returns
    -------
    numbers : list of int
        Numbers of the entries; of a reference that was left out, that of the entry it repeats.
    repeats : list of (str, str)
    """
    numbers, sources, vectors = read_speaker(connection, speaker, space)
    found: list[int] = []
    repeats: list[Repeat] = []
    for row, source, seconds in references:
        exact = row.astype(np.float64)
        cosines = [float(exact @ other) for other in vectors]
        place = int(np.argmax(cosines)) if cosines else -1
        if cosines and cosines[place] >= SAME_COSINE:
            repeats.append((source, sources[place]))
        else:
            place = len(numbers)
            numbers.append(insert_row(connection, speaker, row, source, seconds, space.fingerprint))
            sources.append(source)
            vectors.append(row)
        found.append(numbers[place])
    return found, repeats


def describe_repeats(folder: Path, speaker: str, repeats: Iterable[Repeat]) -> list[str]:
    """Say which references were left out, on a line for each source."""
    lines = []
    for (source, original), count in Counter(repeats).items():
        counted = "" if count == 1 else f" ({count} references)"
        where = "" if original in ("", source) else f", from {original}"
        lines.append(
            f"{source or folder}: {speaker} has this recording already{where}{counted}; it is not "
            "counted again"
        )
    return lines
