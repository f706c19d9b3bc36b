"""SQLite database of a gallery: atomic transactions of one writer, any number of readers.

Every row has the fingerprint of its embedding space, and triggers reject rows of another space than
the gallery's. A gallery on a volume that cannot be written is read all the same.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from diarspk.embeddings.space import Space
from diarspk.errors import ModelError
from diarspk.verification.gallery.schema import VERSION, create_tables, upgrade

__all__ = ["Database"]

WAIT_S = 60.0
"""Seconds that a writer waits for another one."""

DAMAGE = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises on a damaged file: its own errors, and texts that are no texts."""


class Database:
    """Opened database of a gallery; commits are on disk when they return.

    Parameters
    ----------
    file : Path
        Must exist. One of an earlier version is brought up to date, in memory only where the file
        cannot be written.
    space : Space, optional
        Space of the tables to create in an empty file.
    name : Path, optional
        Name of the file in messages. Default: its own.

    Raises
    ------
    ModelError
        It is no gallery, one of a later version of this package, or cannot be opened.
    """

    def __init__(self, file: Path, *, space: Space | None = None, name: Path | None = None) -> None:
        self.file = file
        self.name = file if name is None else name
        self._opened = 0
        self._seen: tuple[object, ...] | None = None
        self._connection: sqlite3.Connection | None = self._open(space)

    @property
    def connection(self) -> sqlite3.Connection:
        """Open connection.

        Raises
        ------
        ModelError
            The gallery is closed.
        """
        if self._connection is None:
            raise ModelError(f"{self.name}: the gallery is closed; open it again")
        return self._connection

    @property
    def state(self) -> tuple[int, int, int]:
        """Value that differs after each change, by this connection or another."""
        version = self.connection.execute("PRAGMA data_version").fetchone()[0]
        return self._opened, version, self.connection.total_changes

    def close(self) -> None:
        """Close the connection; everything that was committed is on disk already."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read transaction: all reads of the block see one state; inside another, that one's.

        Raises
        ------
        ModelError
            The file is damaged or cannot be read.
        """
        try:
            if self.connection.in_transaction:
                yield self.connection
                return
            self._reopen_if_changed()
            self.connection.execute("BEGIN")
            try:
                yield self.connection
            finally:
                self.connection.execute("ROLLBACK")
        except DAMAGE as error:
            raise ModelError(f"{self.name}: cannot be read {_explain(error)}") from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Write transaction: on disk when the block ends, rolled back if it raises.

        Raises
        ------
        ModelError
            The disk is full, the file is read-only, or another writer holds the lock.
        """
        connection = self.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except DAMAGE as error:
            _roll_back(connection)
            raise ModelError(
                f"{self.name}: the gallery was not changed {_explain(error)}"
            ) from error
        except BaseException:
            _roll_back(connection)
            raise

    def read_space(self) -> tuple[Space, int]:
        """Read the space of the gallery, and its epoch, which a change of space increments."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT fingerprint, dimension, name, epoch FROM space"
            ).fetchone()
        if row is None:
            raise ModelError(f"{self.name}: damaged, its space is missing; restore a backup")
        fingerprint, dimension, name, epoch = row
        return Space(fingerprint, dimension, name), epoch

    def read_note(self, key: str) -> str | None:
        """Read a stored note, e.g. the calibration or the record of the index."""
        query = "SELECT value FROM notes WHERE key = ?"
        with self.reading() as connection:
            row = connection.execute(query, (key,)).fetchone()
        return None if row is None else str(row[0])

    def write_note(self, key: str, value: str) -> None:
        """Insert or replace a note; inside `writing`."""
        self.connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (key, value))

    def finish(self) -> None:
        """Let readers go on while somebody writes: the last act on a new database."""
        self.connection.execute("PRAGMA journal_mode = WAL")

    def _open(self, space: Space | None = None) -> sqlite3.Connection:
        try:
            connection = self._connect("mode=rw")
        except sqlite3.OperationalError as error:
            connection = self._connect_read_only(error)
        except DAMAGE as error:
            raise ModelError(f"{self.name}: not a gallery {_explain(error)}") from error
        try:
            return self._prepare(connection, space)
        except DAMAGE as error:
            connection.close()
            raise ModelError(f"{self.name}: cannot be opened {_explain(error)}") from error
        except BaseException:
            connection.close()
            raise

    def _connect(self, options: str) -> sqlite3.Connection:
        address = f"{self.file.absolute().as_uri()}?{options}"
        connection = sqlite3.connect(address, uri=True, timeout=WAIT_S, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect_read_only(self, error: sqlite3.Error) -> sqlite3.Connection:
        """Connect to a file on a volume where SQLite cannot make its shared-memory file."""
        self._seen = _stamp(self.file)
        if "unable to open" in str(error) or "readonly" in str(error):
            if self._seen[-1]:
                raise ModelError(
                    f"{self.name}: cannot be opened ({error}), and its last changes are in a file "
                    "beside it; copy the folder to where you can write"
                ) from error
            try:
                return self._connect("mode=ro&immutable=1")
            except DAMAGE as fault:
                raise ModelError(f"{self.name}: cannot be opened {_explain(fault)}") from fault
        raise ModelError(f"{self.name}: cannot be opened {_explain(error)}") from error

    def _reopen_if_changed(self) -> None:
        """SQLite takes a file that it cannot lock for constant; somebody else may change it."""
        if self._seen is not None and self._seen != _stamp(self.file):
            self.close()
            self._seen = None
            self._connection = self._open()
            self._opened += 1

    def _prepare(self, connection: sqlite3.Connection, space: Space | None) -> sqlite3.Connection:
        """Check the version, after creating the tables or bringing them up to date."""
        if space is not None:
            create_tables(connection, space)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if 0 < version < VERSION:
            current = upgrade(connection)
            if current is not connection:  # a copy in memory: made again if the file changes
                self._seen = _stamp(self.file)
            else:
                for index in self.file.parent.glob("index-*"):  # nobody reads those any more
                    shutil.rmtree(index, ignore_errors=True)
            return current
        if version == 0:
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            raise ModelError(
                f"{self.name}: a database, but not of a gallery; check the path"
                if tables
                else f"{self.name}: an empty database, left by a failed creation; remove the file"
            )
        if version != VERSION:
            raise ModelError(
                f"{self.name}: a gallery of version {version}, this package reads {VERSION}; "
                "use the version of diarspk that wrote it"
            )
        return connection


def _stamp(file: Path) -> tuple[object, ...]:
    """Identity, time, size, and the size of the changes that SQLite has not merged yet."""
    status = file.stat()
    pending = file.with_name(f"{file.name}-wal")
    unmerged = pending.stat().st_size if pending.exists() else 0
    return status.st_ino, status.st_mtime_ns, status.st_size, unmerged


def _explain(error: Exception) -> str:
    """Put what SQLite says, and the remedy, on one line."""
    text = " ".join(str(error).split())
    if isinstance(error, UnicodeDecodeError) or "malformed" in text or "not a database" in text:
        remedy = "restore it from a backup"
    elif "locked" in text:
        remedy = "another process is writing; try again"
    else:
        remedy = "see that its disk has room and that you may read and write there"
    return f"({text}); {remedy}"


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
