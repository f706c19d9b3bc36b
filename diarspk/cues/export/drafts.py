"""Files that an export writes together: each appears whole, and none if one of them fails."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from diarspk.atomic import naming_write_errors

__all__ = ["drafts"]


@contextmanager
def drafts(folder: Path, named: Path | None = None) -> Iterator[Path]:
    """Give a folder to write files into; they replace those of ``folder`` once all are written.

    Parameters
    ----------
    folder
        It is made if it does not exist.
    named
        What errors of writing are to name. Default: the folder.
    """
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with (
            tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as made,
            naming_write_errors(named or folder, Path(made)),
        ):
            yield Path(made)
            for file in sorted(Path(made).iterdir()):
                os.replace(file, folder / file.name)
    except BaseException:
        if new:
            with suppress(OSError):  # somebody else has put something there meanwhile
                folder.rmdir()
        raise
