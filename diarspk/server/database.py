"""The SQLite database of a server: jobs, webhooks that are due, and uploads."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from diarspk.errors import ArgumentError

__all__ = ["ServerDatabase"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    request TEXT NOT NULL,
    recording TEXT NOT NULL,
    output TEXT,
    webhook TEXT,
    status_only INTEGER NOT NULL,
    starts INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    updated REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, number);
CREATE TABLE IF NOT EXISTS deliveries (
    job TEXT PRIMARY KEY,
    tries INTEGER NOT NULL,
    reason TEXT NOT NULL,
    due REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS uploads (
    file TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    url TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,
    size INTEGER,
    created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS uploads_by_url ON uploads (owner, url);
"""


class ServerDatabase:
    """Connection that the threads of a server share; a transaction is on disk when it ends.

    Parameters
    ----------
    path
        Database file, which is made if there is none. One server at a time holds it.

    Raises
    ------
    ArgumentError
        If it cannot be used, or another server uses it.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(
                path, timeout=1.0, check_same_thread=False, isolation_level=None
            )
            self._connection.row_factory = sqlite3.Row
            # Held until the connection is closed: a second server would run the same jobs.
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(f"BEGIN EXCLUSIVE; {SCHEMA} COMMIT;")
        except sqlite3.Error as error:
            why = "another server uses it" if "locked" in str(error) else str(error)
            raise ArgumentError(f"{path}: cannot be used ({why}); give another --data") from None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run statements that happen together or not at all."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close it, and let another server have it."""
        with self._lock:
            self._connection.close()
