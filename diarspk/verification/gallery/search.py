"""Search of a gallery: candidates of the index, compared exactly in the database."""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.space import Space
from diarspk.verification.gallery.database import (
    read_note,
    read_space,
    reading,
    write_note,
    writing,
)
from diarspk.verification.gallery.identification import Match
from diarspk.verification.gallery.index import IndexNote, SignIndex, open_index, write_index
from diarspk.verification.gallery.rows import nearest, read_blocks

__all__ = ["Searcher"]

MIN_CANDIDATES = 32
"""More candidates than asked for: some may have been removed, and eight bits are inexact."""


class Searcher:
    """Nearest-neighbour search of references, by the index where there is a current one.

    Parameters
    ----------
    folder : Path
        Folder of the gallery and of the index.
    connection : sqlite3.Connection
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection
        self._opened: tuple[IndexNote, SignIndex | None] | None = None

    def search(self, query: NDArray[np.float32], space: Space, limit: int) -> list[Match]:
        """Find the references nearest to a unit vector ``(dim,)``, best first; inside `reading`."""
        note, index = self._current()
        if note is None or index is None:
            return nearest(self._connection, query, space, limit)
        candidates = index.candidates(query, max(2 * limit, MIN_CANDIDATES))
        return nearest(
            self._connection, query, space, limit, candidates=candidates, after=note.last
        )

    def build(self, sifted: float) -> None:
        """Index all current entries; the database refers to the index once it is complete."""
        with reading(self._connection):
            space, epoch = read_space(self._connection)
            query = "SELECT ifnull(max(id), 0), count(*) FROM entries"
            last, count = self._connection.execute(query).fetchone()
            # A new name: the previous index stays complete until the database refers to this one.
            note = IndexNote(f"index-{secrets.token_hex(8)}", epoch, last, sifted)
            write_index(
                self.folder / note.file,
                space.dimension,
                count,
                lambda: read_blocks(self._connection, space),
            )
        with writing(self._connection):
            write_note(self._connection, "index", json.dumps(asdict(note)))
        for old in self.folder.glob("index-*"):
            if old.name != note.file:
                shutil.rmtree(old, ignore_errors=True)  # processes that have it mapped can go on

    def forget(self) -> None:
        """Close the mapped index."""
        self._opened = None

    def _current(self) -> tuple[IndexNote | None, SignIndex | None]:
        stored = read_note(self._connection, "index")
        note = None if stored is None else IndexNote(**json.loads(stored))
        if note is None or note.epoch != read_space(self._connection)[1]:
            return None, None
        if self._opened is None or self._opened[0] != note:
            self._opened = (note, open_index(self.folder / note.file, note.sifted))
        return self._opened
