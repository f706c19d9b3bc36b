"""Jobs, which outlive the server.

A job is ``created``, then ``running``, then ``succeeded``, ``failed`` or ``canceled`` (the words of
pyannoteAI). What was running when a server died is created again; after :data:`MAX_STARTS` of that
it has failed, so that no recording stops the server for ever.
"""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from dataclasses import dataclass
from typing import Any

from diarspk.server.database import ServerDatabase

__all__ = [
    "CANCELED",
    "CREATED",
    "FAILED",
    "FINISHED",
    "RUNNING",
    "SUCCEEDED",
    "Job",
    "JobStore",
    "to_job",
]

CREATED = "created"
RUNNING = "running"
SUCCEEDED = "succeeded"
FAILED = "failed"
CANCELED = "canceled"
FINISHED = (SUCCEEDED, FAILED, CANCELED)
MAX_STARTS = 3
"""Times that a job is begun before the server's end is taken for its fault."""


@dataclass(frozen=True)
class Job:
    """A job as it is stored.

    Attributes
    ----------
    number : int
        Order in which jobs came.
    id : str
        What the client knows it by; it cannot be guessed.
    owner : str
        Whose key it was asked with.
    kind : str
        "diarize", "identify" or "voiceprint".
    request : dict
        What was asked for.
    recording : str
        ``media://`` of an upload, or the URL of a recording.
    webhook : str or None
        URL that is told of its end.
    status_only : bool
        Whether the webhook is told the status alone.
    output : dict or None
    created, updated : float
        Seconds since 1970.
    """

    number: int
    id: str
    owner: str
    kind: str
    status: str
    request: dict[str, Any]
    recording: str
    output: dict[str, Any] | None
    webhook: str | None
    status_only: bool
    starts: int
    created: float
    updated: float

    @property
    def finished(self) -> bool:
        """Whether nothing more will come."""
        return self.status in FINISHED


class JobStore:
    """Table of jobs; every method is one transaction that is on disk when it returns."""

    def __init__(self, database: ServerDatabase) -> None:
        self._database = database

    def add(
        self,
        kind: str,
        owner: str,
        request: dict[str, Any],
        recording: str,
        *,
        webhook: str | None = None,
        status_only: bool = False,
        limit: int | None = None,
    ) -> str | None:
        """Add a job, and return its id; None where ``limit`` jobs wait already."""
        identifier, now = str(uuid.uuid4()), time.time()
        with self._database.transaction() as connection:
            if limit is not None and self._waiting(connection) >= limit:
                return None
            connection.execute(
                "INSERT INTO jobs (id, owner, kind, status, request, recording, webhook, "
                "status_only, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(identifier, owner, kind, CREATED, json.dumps(request), recording, webhook),
                    *(int(status_only), now, now),
                ),
            )
        return identifier

    def find(self, identifier: str, owner: str | None = None) -> Job | None:
        """Find a job; None if there is none of that id, or of that owner."""
        with self._database.transaction() as connection:
            return self._find(connection, identifier, owner)

    def list_newest(
        self, owner: str, limit: int, *, status: str | None = None, before: str | None = None
    ) -> list[Job]:
        """List the newest jobs of an owner, those before the job ``before`` if it is given."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT * FROM jobs WHERE owner = ? "
                "AND (? IS NULL OR status = ?) "
                "AND (? IS NULL OR number < (SELECT number FROM jobs WHERE id = ?)) "
                "ORDER BY number DESC LIMIT ?",
                (owner, status, status, before, before, limit),
            ).fetchall()
        return [to_job(row) for row in rows]

    def begin(self, identifier: str) -> Job | None:
        """Note that a job runs; None if it is not to, being canceled or gone."""
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE jobs SET status = ?, starts = starts + 1, updated = ? "
                "WHERE id = ? AND status = ?",
                (RUNNING, time.time(), identifier, CREATED),
            )
            return self._find(connection, identifier) if changed.rowcount else None

    def finish(self, identifier: str, status: str, output: dict[str, Any] | None) -> bool:
        """Note the end of a job, and that its webhook is due; False if it had ended before."""
        now = time.time()
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE jobs SET status = ?, output = ?, updated = ? "
                "WHERE id = ? AND status IN (?, ?)",
                (status, json.dumps(output), now, identifier, CREATED, RUNNING),
            )
            if changed.rowcount:
                connection.execute(
                    "INSERT OR REPLACE INTO deliveries SELECT id, 0, '', ? FROM jobs "
                    "WHERE id = ? AND webhook IS NOT NULL",
                    (now, identifier),
                )
            return bool(changed.rowcount)

    def requeue(self, identifier: str) -> None:
        """Note that a job was stopped, by no fault of its own, and is to run again."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET status = ?, starts = starts - 1, updated = ? "
                "WHERE id = ? AND status = ?",
                (CREATED, time.time(), identifier, RUNNING),
            )

    def recover(self) -> tuple[list[str], list[str]]:
        """Sort out what a server left behind: ids of jobs to run, and of those to give up."""
        with self._database.transaction() as connection:
            lost = connection.execute(
                "SELECT id FROM jobs WHERE status = ? AND starts >= ?", (RUNNING, MAX_STARTS)
            ).fetchall()
            connection.execute(
                "UPDATE jobs SET status = ? WHERE status = ? AND starts < ?",
                (CREATED, RUNNING, MAX_STARTS),
            )
            waiting = connection.execute(
                "SELECT id FROM jobs WHERE status = ? ORDER BY number", (CREATED,)
            ).fetchall()
        return [row["id"] for row in waiting], [row["id"] for row in lost]

    def waiting(self) -> int:
        """Count jobs that have not begun."""
        with self._database.transaction() as connection:
            return self._waiting(connection)

    def recordings_in_use(self) -> set[str]:
        """List recordings of jobs that have not ended."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT DISTINCT recording FROM jobs WHERE status IN (?, ?)", (CREATED, RUNNING)
            ).fetchall()
        return {row["recording"] for row in rows}

    def delete_finished(self, before: float) -> int:
        """Delete jobs that ended before a time, with requests and results; returns their number."""
        marks = ", ".join("?" * len(FINISHED))
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM deliveries WHERE job IN "
                f"(SELECT id FROM jobs WHERE status IN ({marks}) AND updated < ?)",
                (*FINISHED, before),
            )
            return connection.execute(
                f"DELETE FROM jobs WHERE status IN ({marks}) AND updated < ?", (*FINISHED, before)
            ).rowcount

    @staticmethod
    def _waiting(connection: sqlite3.Connection) -> int:
        query = "SELECT count(*) FROM jobs WHERE status = ?"
        return int(connection.execute(query, (CREATED,)).fetchone()[0])

    @staticmethod
    def _find(
        connection: sqlite3.Connection, identifier: str, owner: str | None = None
    ) -> Job | None:
        row = connection.execute("SELECT * FROM jobs WHERE id = ?", (identifier,)).fetchone()
        if row is None or (owner is not None and row["owner"] != owner):
            return None
        return to_job(row)


def to_job(row: sqlite3.Row) -> Job:
    """Make a job of a row of its table."""
    values = {name: row[name] for name in Job.__dataclass_fields__}
    output = values["output"]
    values["request"] = json.loads(values["request"])
    values["output"] = None if output is None else json.loads(output)
    values["status_only"] = bool(values["status_only"])
    return Job(**values)
