"""Creation and opening of galleries."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from diarspk.arguments import check_path, check_type
from diarspk.atomic import flush_entry
from diarspk.embeddings.space import Space
from diarspk.errors import ModelError
from diarspk.verification.gallery.database import Database
from diarspk.verification.gallery.gallery import Gallery

__all__ = ["create_gallery", "has_gallery", "new_gallery", "open_gallery"]

FILE_NAME = "gallery.sqlite"


def create_gallery(folder: str | Path, space: Space) -> Gallery:
    """Create an empty gallery for the embeddings of one space.

    Raises
    ------
    ModelError
        There is one already, or it cannot be written; nothing is left behind then.
    """
    with new_gallery(folder, space):
        pass
    return open_gallery(folder)


@contextmanager
def new_gallery(folder: str | Path, space: Space) -> Iterator[Gallery]:
    """Create a gallery with its first people: all of it is there when the block ends, or nothing.

    Of processes that create one at the same time the first wins; the others raise.

    Raises
    ------
    ModelError
        There is one already, or it cannot be written.
    """
    folder = Path(check_path(folder, "folder"))
    check_type(space, "space", Space)
    file = folder / FILE_NAME
    _require_none(folder)
    with _made(folder):
        part = folder / f".{FILE_NAME}.{secrets.token_hex(4)}.part"
        try:
            part.touch(exist_ok=False)
            database = Database(part, space=space, name=file)
            with Gallery(folder, database) as gallery:
                yield gallery
                database.finish()
            _require_none(folder)
            _name(part, file)
        finally:
            for name in (part.name, f"{part.name}-journal", f"{part.name}-wal", f"{part.name}-shm"):
                (folder / name).unlink(missing_ok=True)


def open_gallery(folder: str | Path) -> Gallery:
    """Open a gallery: one object per thread, any number of processes.

    One on a volume that cannot be written can be searched, not changed. One of an earlier version
    is brought up to date.

    Raises
    ------
    ModelError
        There is none, or it cannot be read.
    """
    if not has_gallery(folder):
        raise ModelError(f"{folder}: no gallery; make one with `diarspk gallery enroll`")
    return Gallery(Path(folder), Database(Path(folder) / FILE_NAME))


def has_gallery(folder: str | Path) -> bool:
    """Tell whether there is a gallery; an empty file, left by a failed creation, is none."""
    file = Path(check_path(folder, "folder")) / FILE_NAME
    return file.is_file() and file.stat().st_size > 0


def _require_none(folder: Path) -> None:
    if has_gallery(folder):
        raise ModelError(f"{folder / FILE_NAME}: there is a gallery already; open it instead")


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder, and remove what was made of its path if the block raises."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for path in missing:
            with suppress(OSError):  # not made, or somebody else has put something there
                path.rmdir()
        raise


def _name(part: Path, file: Path) -> None:
    """Give a file its name, unless there is one of that name."""
    if file.exists():
        _remove_empty(file)
    try:
        os.link(part, file)
    except FileExistsError:
        raise ModelError(f"{file}: there is a gallery already; open it instead") from None
    except OSError:  # a file system without links: the name is taken first, then filled
        file.touch(exist_ok=False)
        os.replace(part, file)
    flush_entry(file.parent)


def _remove_empty(file: Path) -> None:
    """Remove the empty file that a failed creation of an earlier version left.

    Under SQLite's lock on it, so that of two processes that find it one removes it, and neither
    removes what the other has put in its place.
    """
    found = file.stat()
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        now = file.stat()
        if now.st_size == 0 and os.path.samestat(found, now):
            file.unlink()
