"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["atomic_path", "check_replaceable", "flush_entry", "naming_write_errors"]

OF_WRITING = {
    getattr(errno, name) for name in ("ENOSPC", "EFBIG", "EDQUOT", "EIO") if hasattr(errno, name)
}
"""Errors of a write: the disk is full or fails, a quota or a limit is reached."""


@contextmanager
def atomic_path(path: str | os.PathLike[str], *, durable: bool = False) -> Iterator[Path]:
    """Write beside ``path``, then replace it: readers see the old content or the new, never half.

    Whatever is raised inside of the ``with`` removes the temporary file and leaves ``path`` as it
    was. Threads and processes that write the same path do not disturb each other; the last wins.

    Parameters
    ----------
    path : path
        File to replace, or a folder that does not exist yet. Its parent folder must exist. A
        symbolic link stays, and the file that it points to is replaced.
    durable : bool, default False
        Flush the content to the disk before it gets its name, so that it outlives a power failure.

    Yields
    ------
    Path
        Where to write: a hidden name in the same folder, without the suffix of ``path``, so that
        no reader who looks for ``*.wav`` takes it for a recording. Open it, or make it a folder.

    Raises
    ------
    OSError
        If ``path`` cannot be written or replaced; the message names ``path``.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "notes.txt"
    >>> with atomic_path(file) as part:
    ...     _ = part.write_text("whole")
    >>> file.read_text()
    'whole'
    """
    target, part = _target_and_part(path)
    try:
        with naming_write_errors(path, part):
            yield part
            with suppress(FileNotFoundError):  # a new file's permissions are as the umask has them
                mode = target.stat().st_mode
                if stat.S_ISREG(mode):
                    part.chmod(stat.S_IMODE(mode))
            if durable:
                _flush(part)
            os.replace(part, target)
            if durable:
                flush_entry(target.parent)
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def check_replaceable(path: str | os.PathLike[str]) -> None:
    """Try whether :func:`atomic_path` could write a file, before work that must not be lost.

    Raises
    ------
    OSError
        If it could not: there is a folder of that name, or its folder takes no file. The message
        names ``path``.
    """
    target, part = _target_and_part(path)
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with naming_write_errors(path, part):
        part.touch(exist_ok=False)
        part.unlink()


def _target_and_part(path: str | os.PathLike[str]) -> tuple[Path, Path]:
    """File behind ``path``, and a hidden name beside it."""
    target = Path(os.path.realpath(path))
    # Of the name only the beginning: with all of it, long names would become too long.
    return target, target.with_name(f".{target.name[:40]}.{secrets.token_hex(4)}.part")


@contextmanager
def naming_write_errors(path: str | os.PathLike[str], part: Path) -> Iterator[None]:
    """Name ``path`` in an error of what is written to ``part``, a name that no reader knows.

    Errors of opening have that name or one inside of it, those of writing have none.
    """
    try:
        yield
    except OSError as error:
        nameless = error.filename is None and error.errno in OF_WRITING
        if nameless or part in (Path(str(error.filename)), *Path(str(error.filename)).parents):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _flush(part: Path) -> None:
    """Write a file, or every file of a folder, through to the disk."""
    files = [file for file in part.rglob("*") if file.is_file()] if part.is_dir() else [part]
    for file in files:
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())


def flush_entry(folder: Path) -> None:
    """Write the names in a folder through to the disk; Windows has no such call."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
