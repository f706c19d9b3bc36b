"""Content of files that results depend on: models, galleries, enrolments."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from diarspk.checkpoints.digest import digest_file

__all__ = ["describe_contents"]


def describe_contents(paths: Iterable[str | Path | None]) -> list[list[tuple[object, ...]]]:
    """Describe models and other files by what changes with their content.

    A name in a registry has nothing, and None, an option that was not given, is left out. Of a file
    it is its bytes, and those of files beside it with its stem: the weights of a card. Of a folder
    it is sizes and times, since it may be large; SQLite's journal comes and goes with its readers.
    """
    return [list(_describe(Path(path))) for path in paths if path is not None]


def _describe(path: Path) -> Iterator[tuple[object, ...]]:
    if os.path.isfile(path):
        for file in sorted(path.parent.iterdir()):
            if file.stem == path.stem and file.is_file():
                yield file.name, digest_file(file)
    elif os.path.isdir(path):
        for file in sorted(path.rglob("*")):
            if file.is_file() and not file.name.endswith(("-wal", "-shm")):
                state = file.stat()
                yield os.fspath(file.relative_to(path)), state.st_size, state.st_mtime_ns
