"""SQLite database of a gallery: atomic transactions of one writer, any number of readers.

Every row has the fingerprint of its embedding space, and triggers reject rows of another space than
the gallery's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from diarspk.embeddings.space import Space
from diarspk.errors import ModelError

__all__ = [
    "FILE_NAME",
    "connect",
    "create_database",
    "read_note",
    "read_space",
    "reading",
    "write_note",
    "writing",
]

FILE_NAME = "gallery.sqlite"
VERSION = 1
WAIT_S = 60.0
"""Seconds that a writer waits for another one."""

SCHEMA = f"""
CREATE TABLE space (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    fingerprint TEXT NOT NULL,
    dimension INTEGER NOT NULL CHECK (dimension > 0),
    name TEXT NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    speaker TEXT NOT NULL CHECK (speaker <> ''),
    source TEXT NOT NULL,
    seconds REAL NOT NULL,
    fingerprint TEXT NOT NULL,
    vector BLOB NOT NULL,
    enrolled_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);
CREATE INDEX entries_by_speaker ON entries (speaker);
CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TRIGGER one_space_insert BEFORE INSERT ON entries
WHEN NEW.fingerprint <> (SELECT fingerprint FROM space)
  OR length(NEW.vector) <> 4 * (SELECT dimension FROM space)
BEGIN SELECT RAISE(ABORT, 'a vector of another embedding space'); END;
CREATE TRIGGER one_space_update BEFORE UPDATE ON entries
WHEN NEW.fingerprint <> (SELECT fingerprint FROM space)
  OR length(NEW.vector) <> 4 * (SELECT dimension FROM space)
BEGIN SELECT RAISE(ABORT, 'a vector of another embedding space'); END;
PRAGMA user_version = {VERSION};
"""


def connect(file: Path) -> sqlite3.Connection:
    """Open a database; commits are on disk when they return.

    Raises
    ------
    ModelError
        It is no gallery, or one of a later version of this package.
    """
    connection = sqlite3.connect(file, timeout=WAIT_S, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ModelError(f"{file}: not a gallery ({error}); check the path") from error
    if version != VERSION:
        connection.close()
        raise ModelError(
            f"{file}: a gallery of version {version}, this package reads {VERSION}; "
            "use the version of diarspk that wrote it"
        )
    return connection


def create_database(file: Path, space: Space) -> None:
    """Create an empty gallery atomically; an existing one is never replaced.

    Raises
    ------
    ModelError
        There is one already.
    """
    connection = sqlite3.connect(file, timeout=WAIT_S, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")  # readers go on while somebody writes
        connection.execute("PRAGMA synchronous = FULL")
        with writing(connection):
            if connection.execute("PRAGMA user_version").fetchone()[0]:
                raise ModelError(f"{file}: there is a gallery already; open it instead")
            for statement in _statements(SCHEMA):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO space (id, fingerprint, dimension, name) VALUES (1, ?, ?, ?)",
                (space.fingerprint, space.dimension, space.name),
            )
    finally:
        connection.close()


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Write transaction: committed, and on disk, when the block ends; rolled back if it raises.

    Raises
    ------
    ModelError
        The disk is full, the file is read-only, or another writer holds the lock.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        _roll_back(connection)
        raise ModelError(
            f"the gallery was not changed ({error}); see that its disk has room and is writable"
        ) from error
    except BaseException:
        _roll_back(connection)
        raise


@contextmanager
def reading(connection: sqlite3.Connection) -> Iterator[None]:
    """Read transaction: all reads of the block see one state of the database."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def read_space(connection: sqlite3.Connection) -> tuple[Space, int]:
    """Read the space of the gallery, and its epoch, which a change of space increments."""
    fingerprint, dimension, name, epoch = connection.execute(
        "SELECT fingerprint, dimension, name, epoch FROM space"
    ).fetchone()
    return Space(fingerprint, dimension, name), epoch


def read_note(connection: sqlite3.Connection, key: str) -> str | None:
    """Read a stored note, e.g. the calibration or the record of the index."""
    row = connection.execute("SELECT value FROM notes WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def write_note(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Insert or replace a note."""
    connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (key, value))


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _statements(script: str) -> Iterator[str]:
    """Split a script: ``executescript`` would end the transaction."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
