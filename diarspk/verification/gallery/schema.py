"""Tables of a gallery, and those of earlier versions brought up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from diarspk.embeddings.space import Space
from diarspk.verification.gallery.names import repair_name

__all__ = ["VERSION", "create_tables", "upgrade"]

VERSION = 2
"""1: names as they were given. 2: in one spelling each (see `names`)."""

TABLES = f"""
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


def create_tables(connection: sqlite3.Connection, space: Space) -> None:
    """Create the tables in an empty database, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in _statements(TABLES):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO space (id, fingerprint, dimension, name) VALUES (1, ?, ?, ?)",
        (space.fingerprint, space.dimension, space.name),
    )
    connection.execute("COMMIT")


def upgrade(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Bring a gallery of version 1 up to date; where the file cannot be written, a copy in memory.

    Two spellings of one name become one person. Names that are refused today get a visible
    spelling. The record of the index, which another library wrote, is deleted.
    """
    try:
        _repair_names(connection)
    except sqlite3.OperationalError:  # a read-only volume, or a full one
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        copy = sqlite3.connect(":memory:", isolation_level=None)
        connection.backup(copy)
        connection.close()
        _repair_names(copy)
        copy.execute("PRAGMA query_only = ON")  # what is enrolled here would be lost
        return copy
    return connection


def _repair_names(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone()[0] == 1:  # not by another process yet
        names = connection.execute("SELECT DISTINCT speaker FROM entries").fetchall()
        for (name,) in names:
            if repair_name(name) != name:
                connection.execute(
                    "UPDATE entries SET speaker = ? WHERE speaker = ?", (repair_name(name), name)
                )
        connection.execute("DELETE FROM notes WHERE key = 'index'")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    """Split a script: ``executescript`` would end the transaction."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
