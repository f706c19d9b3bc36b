"""A disk that is full, for a while, without one: the size of files is limited."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["content_of", "limited_files"]


@contextmanager
def limited_files(size: int) -> Iterator[None]:
    """Let no write of this process take a file beyond ``size`` bytes; the error is EFBIG."""
    resource = pytest.importorskip("resource", reason="limits of POSIX")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, with what it holds."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
