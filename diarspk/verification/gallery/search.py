"""Search of a gallery: exact up to 50,000 references, by the candidates of an index beyond.

Whichever way they are found, the nearest are compared in double precision with what the database
holds, so the answer does not depend on the way.
"""

from __future__ import annotations

import json
import secrets
import shutil
import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.space import Space
from diarspk.errors import DiarspkWarning, ModelError
from diarspk.verification.gallery.database import Database
from diarspk.verification.gallery.identification import Match
from diarspk.verification.gallery.index import IndexRecord, VectorIndex, open_index
from diarspk.verification.gallery.rows import nearest, read_blocks, read_entries, read_sample

__all__ = ["EXACT_ENTRIES", "Searcher"]

EXACT_ENTRIES = 50_000
"""References up to which all are kept in memory and compared at each search."""
MIN_CANDIDATES = 50
"""Candidates of an index at least: eight bits are inexact."""
CANDIDATES_PER_MATCH = 4
MAX_CHANGE = 0.1
"""Share of the indexed entries by which their number may change before the index is rebuilt."""

Blocks = Iterable[tuple[NDArray[np.int64], NDArray[np.float32]]]


class Searcher:
    """Nearest-neighbour search of references.

    Parameters
    ----------
    folder : Path
        Folder of the gallery and of the index.
    database : Database
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self._database = database
        self._rows: tuple[object, list[tuple[NDArray[np.int64], NDArray[np.float32]]]] | None = None
        self._index: tuple[IndexRecord, VectorIndex] | None = None
        self._last = 0
        self._counted: tuple[object, int] | None = None
        self._warned = False

    @property
    def needs_index(self) -> bool:
        """Whether there are too many references to keep all in memory."""
        with self._database.reading():
            return self._count() > EXACT_ENTRIES

    def search(self, query: NDArray[np.float32], space: Space, limit: int) -> list[Match]:
        """Find the references nearest to a unit vector ``(dim,)``, best first; inside `reading`."""
        connection = self._database.connection
        if not self.needs_index:
            return nearest(connection, query, self._all_rows(space), limit)
        if self._index is None or self._index[0].epoch != self._database.read_space()[1]:
            return nearest(connection, query, read_blocks(connection, space), limit)
        return self._search_index(self._index[1], query, space, limit)

    def prepare(self) -> None:
        """Open the index of a large gallery, or rebuild it; not inside `reading`, as it may write.

        Where there can be none, a warning says so once, and searches read all references.
        """
        if not self.needs_index:
            return
        with self._database.reading():
            epoch = self._database.read_space()[1]
            if self._index is not None and self._is_current(self._index[0], epoch):
                return
            record = self._read_record()
        try:
            opened = None
            if record is not None and self._is_current(record, epoch):
                opened = open_index(self.folder / record.file, record.sha256)
            if record is not None and opened is not None:
                self._index, self._last = (record, opened), record.last
            else:
                self.build()
        except ModelError as error:
            self._index = None
            self._warn(error)

    def build(self) -> None:
        """Index all entries; where that cannot be written, for this object only."""
        with self._database.reading() as connection:
            space, epoch = self._database.read_space()
            index = VectorIndex(read_sample(connection, space))
            index.add(read_blocks(connection, space))
            last = connection.execute("SELECT ifnull(max(id), 0) FROM entries").fetchone()[0]
        # A new name: the previous index stays complete until the database refers to this one.
        file = f"index-{secrets.token_hex(8)}.faiss"
        record = IndexRecord(file, "", epoch, last, len(index))
        self._index, self._last = (record, index), last
        with suppress(OSError, ModelError):  # a full disk or a read-only one
            digest = index.write(self.folder / file)
            record = IndexRecord(file, digest, epoch, last, len(index))
            with self._database.writing():
                self._database.write_note("index", json.dumps(asdict(record)))
            self._index = (record, index)
        self._remove_old()

    def forget(self) -> None:
        """Drop what is kept in memory."""
        self._rows = self._index = None

    def _search_index(
        self, index: VectorIndex, query: NDArray[np.float32], space: Space, limit: int
    ) -> list[Match]:
        connection = self._database.connection
        last = connection.execute("SELECT ifnull(max(id), 0) FROM entries").fetchone()[0]
        if last > self._last:  # what was enrolled since
            index.add(read_blocks(connection, space, after=self._last))
            self._last = last
        count = max(CANDIDATES_PER_MATCH * limit, MIN_CANDIDATES)
        while True:
            numbers = index.candidates(query, count)
            found = nearest(connection, query, read_entries(connection, space, numbers), limit)
            if len(found) == min(limit, self._count()) or count >= len(index):
                return found
            count *= 4  # many of the candidates have been removed from the gallery

    def _all_rows(self, space: Space) -> Blocks:
        """Read all rows; kept until the database changes."""
        state = self._database.state
        if self._rows is None or self._rows[0] != state:
            self._rows = (state, list(read_blocks(self._database.connection, space)))
        return self._rows[1]

    def _count(self) -> int:
        """Count the entries; kept until the database changes."""
        state = self._database.state
        if self._counted is None or self._counted[0] != state:
            query = "SELECT count(*) FROM entries"
            self._counted = (state, int(self._database.connection.execute(query).fetchone()[0]))
        return self._counted[1]

    def _is_current(self, record: IndexRecord, epoch: int) -> bool:
        changed = abs(self._count() - record.count)
        return record.epoch == epoch and changed <= MAX_CHANGE * record.count

    def _read_record(self) -> IndexRecord | None:
        try:
            return IndexRecord(**json.loads(self._database.read_note("index") or ""))
        except (TypeError, ValueError):
            return None

    def _remove_old(self) -> None:
        """Remove every index but the one that the database refers to, which another may have made.

        Processes that have read an old one go on with it.
        """
        record = self._read_record()
        for old in self.folder.glob("index-*"):
            if record is None or old.name != record.file:
                shutil.rmtree(old, ignore_errors=True) if old.is_dir() else _remove(old)

    def _warn(self, fault: ModelError) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"{self.folder}: every search reads all of {self._count()} references: {fault}",
                DiarspkWarning,
                stacklevel=4,
            )


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink()
