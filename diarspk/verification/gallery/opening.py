"""Creation and opening of galleries."""

from __future__ import annotations

from pathlib import Path

from diarspk.embeddings.space import Space
from diarspk.errors import ModelError
from diarspk.verification.gallery.database import FILE_NAME, connect, create_database
from diarspk.verification.gallery.gallery import Gallery

__all__ = ["create_gallery", "open_gallery"]


def create_gallery(folder: str | Path, space: Space) -> Gallery:
    """Create an empty gallery for the embeddings of one space.

    Raises
    ------
    ModelError
        There is one already.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    create_database(folder / FILE_NAME, space)
    return open_gallery(folder)


def open_gallery(folder: str | Path) -> Gallery:
    """Open a gallery: one object per thread, any number of processes.

    Raises
    ------
    ModelError
        There is none, or it cannot be read.
    """
    file = Path(folder) / FILE_NAME
    if not file.is_file():
        raise ModelError(f"{folder}: no gallery; make one with `diarspk gallery enroll`")
    return Gallery(Path(folder), connect(file))
