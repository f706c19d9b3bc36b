"""Search of a gallery: the index proposes, the database decides."""

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
from diarspk.verification.gallery.entries import Match
from diarspk.verification.gallery.index import IndexNote, SignIndex, open_index, write_index
from diarspk.verification.gallery.rows import nearest, read_blocks

__all__ = ["Searcher"]

FEWEST_PROPOSED = 32
"""More are proposed than are asked for: some may be removed by now, and eight bits err."""


class Searcher:
    """Finds the nearest references, by the index where there is a current one.

    Parameters
    ----------
    folder : Path
        Of the gallery; the index lies there.
    connection : sqlite3.Connection
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection
        self._opened: tuple[IndexNote, SignIndex | None] | None = None

    def search(self, query: NDArray[np.float32], space: Space, limit: int) -> list[Match]:
        """Nearest references to a unit vector ``(dim,)``, best first; within a read."""
        note, index = self._current()
        if note is None or index is None:
            return nearest(self._connection, query, space, limit)
        proposed = index.propose(query, max(2 * limit, FEWEST_PROPOSED))
        return nearest(self._connection, query, space, limit, proposed=proposed, after=note.last)

    def build(self, sifted: float) -> None:
        """Index all entries of this moment; it is complete before the database names it."""
        with reading(self._connection):
            space, epoch = read_space(self._connection)
            query = "SELECT ifnull(max(id), 0), count(*) FROM entries"
            last, count = self._connection.execute(query).fetchone()
            # a name of its own: the one before stays whole until the database names this one
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
                shutil.rmtree(old, ignore_errors=True)  # who has it mapped keeps it

    def forget(self) -> None:
        """Let go of the mapped index."""
        self._opened = None

    def _current(self) -> tuple[IndexNote | None, SignIndex | None]:
        stored = read_note(self._connection, "index")
        note = None if stored is None else IndexNote(**json.loads(stored))
        if note is None or note.epoch != read_space(self._connection)[1]:
            return None, None
        if self._opened is None or self._opened[0] != note:
            self._opened = (note, open_index(self.folder / note.file, note.sifted))
        return self._opened
