"""One batch at a time in a folder: two would write over each other's report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from diarspk.errors import ArgumentError

__all__ = ["locked_report"]


@contextmanager
def locked_report(report: Path) -> Iterator[None]:
    """Hold a report for this process; the lock goes with the process, however that ends.

    Where the file system has no locks, or does not take the file of one, nothing is held: what
    cannot be written is told by whoever writes.

    Raises
    ------
    ArgumentError
        If another process has it.
    """
    from filelock import FileLock, Timeout

    missing = [path for path in report.parents if not path.exists()]
    lock = FileLock(report.with_name(f".{report.name}.lock"), timeout=0)
    try:
        report.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ArgumentError(
            f"{report.parent}: another process is writing results here; wait for it, choose "
            "another folder, or share the list by --shard 1/2 and --shard 2/2"
        ) from None
    except (OSError, NotImplementedError):
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):  # Windows does not remove an open file
            Path(lock.lock_file).unlink()
        lock.release()
        for path in missing:  # a folder to which nothing came goes again
            with suppress(OSError):
                path.rmdir()
