"""Recordings that clients uploaded for jobs.

A client names an upload ``media://...`` and gets an address with a token, to which it sends the
bytes. The file has a random name of its own, so what the client calls it leads nowhere.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import time
from collections.abc import AsyncIterable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from diarspk.errors import ArgumentError
from diarspk.server.database import ServerDatabase

__all__ = ["MEDIA_URL", "Upload", "UploadStore", "UploadTooLarge"]

MEDIA_URL = re.compile(r"media://[a-zA-Z0-9\-_./]{1,247}")
"""Names that clients may give, as pyannoteAI has them: at most 255 characters."""

SUFFIX = ".upload"


class UploadTooLarge(Exception):
    """The bytes of an upload are more than there is room for."""


@dataclass(frozen=True)
class Upload:
    """An upload, whose bytes may not have come yet."""

    url: str
    owner: str
    path: Path
    size: int | None
    created: float


class UploadStore:
    """Table of uploads, and the folder of their files.

    Parameters
    ----------
    database
    folder
        Folder of the files, which is made; files in it that the table does not have are deleted.
    stored_bytes
        Limit of all files together.
    """

    def __init__(self, database: ServerDatabase, folder: Path, stored_bytes: int) -> None:
        self._database, self._folder, self._stored_bytes = database, folder, stored_bytes
        self._arriving = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._delete_strays()

    def declare(self, url: str, owner: str) -> str:
        """Take note of an upload to come; it replaces one of its name when its bytes have come.

        Returns
        -------
        str
            Token by which its bytes are sent.

        Raises
        ------
        ArgumentError
            If the name is none.
        """
        if not MEDIA_URL.fullmatch(url):
            raise ArgumentError(
                "`url` must be media:// and up to 247 letters, digits, and any of - _ . /"
            )
        token, file = secrets.token_urlsafe(32), secrets.token_hex(16) + SUFFIX
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO uploads (file, owner, url, token, created) VALUES (?, ?, ?, ?, ?)",
                (file, owner, url, token, time.time()),
            )
        return token

    def by_token(self, token: str) -> Upload | None:
        """Find the upload whose bytes are sent with a token; None if there is none."""
        return self._select("token = ?", token)

    def find(self, url: str, owner: str) -> Upload | None:
        """Find an upload by name; None if there is none whose bytes have come."""
        return self._select("url = ? AND owner = ? AND size IS NOT NULL", url, owner)

    async def receive(self, upload: Upload, chunks: AsyncIterable[bytes]) -> int:
        """Write the bytes of an upload, whole or not at all; returns their number.

        Raises
        ------
        UploadTooLarge
            If there is no room for them.
        """
        size, part = 0, upload.path.with_suffix(".part")
        room = self._stored_bytes - await asyncio.to_thread(self._used)
        try:
            with part.open("wb") as stream:
                async for chunk in chunks:
                    size += len(chunk)
                    self._arriving += len(chunk)
                    if self._arriving > room:
                        raise UploadTooLarge
                    stream.write(chunk)
            os.replace(part, upload.path)
            await asyncio.to_thread(self._replace, upload, size)
        finally:
            self._arriving -= size
            part.unlink(missing_ok=True)
        return size

    def _replace(self, upload: Upload, size: int) -> None:
        """Give an upload its name, and delete another one that had it."""
        with self._database.transaction() as connection:
            others = connection.execute(
                "SELECT file FROM uploads WHERE owner = ? AND url = ? AND file != ? "
                "AND size IS NOT NULL",
                (upload.owner, upload.url, upload.path.name),
            ).fetchall()
            connection.executemany(
                "DELETE FROM uploads WHERE file = ?", [(row["file"],) for row in others]
            )
            connection.execute(
                "UPDATE uploads SET size = ? WHERE file = ?", (size, upload.path.name)
            )
        for row in others:
            self._unlink(row["file"])

    def delete_old(self, before: float, in_use: Iterable[str]) -> int:
        """Delete uploads from before a time that no job needs; returns their number."""
        keep = set(in_use)
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT url, owner, file FROM uploads WHERE created < ?", (before,)
            ).fetchall()
            old = [row for row in rows if row["url"] not in keep]
            connection.executemany(
                "DELETE FROM uploads WHERE file = ?", [(row["file"],) for row in old]
            )
        for row in old:
            self._unlink(row["file"])
        return len(old)

    def _used(self) -> int:
        with self._database.transaction() as connection:
            return int(connection.execute("SELECT total(size) FROM uploads").fetchone()[0])

    def _select(self, condition: str, *values: str) -> Upload | None:
        with self._database.transaction() as connection:
            row = connection.execute(f"SELECT * FROM uploads WHERE {condition}", values).fetchone()
        if row is None:
            return None
        path = self._folder / row["file"]
        return Upload(row["url"], row["owner"], path, row["size"], row["created"])

    def _delete_strays(self) -> None:
        """Delete what a server that was killed left behind."""
        with self._database.transaction() as connection:
            known = {row["file"] for row in connection.execute("SELECT file FROM uploads")}
        for path in self._folder.iterdir():
            if path.suffix in {SUFFIX, ".part"} and path.name not in known:
                self._unlink(path.name)

    def _unlink(self, file: str) -> None:
        with suppress(FileNotFoundError):
            (self._folder / file).unlink()
