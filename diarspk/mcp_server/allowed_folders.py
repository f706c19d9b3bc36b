"""The folders that an assistant may use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diarspk.errors import ArgumentError

__all__ = ["AllowedFolders"]


@dataclass(frozen=True)
class AllowedFolders:
    """Folders in which files are read and written; nothing outside of them is touched.

    Attributes
    ----------
    folders : tuple of Path
        Absolute, with symbolic links followed.
    """

    folders: tuple[Path, ...]

    @classmethod
    def of(cls, folders: Sequence[Path]) -> AllowedFolders:
        """Take folders that are there.

        Raises
        ------
        ArgumentError
            If there are none, or one of them is no folder.
        """
        if not folders:
            raise ArgumentError("`folders` must name one folder at least")
        for folder in folders:
            if not folder.is_dir():
                raise ArgumentError(f"{folder}: no such folder; make it, or allow another")
        return cls(tuple(folder.resolve(strict=True) for folder in folders))

    def to_read(self, name: str) -> Path:
        """Find a file; a relative path is looked for in each folder.

        Raises
        ------
        ArgumentError
            If there is no such file in a folder, also where a link leads out of it.
        """
        for path in self._places(name):
            if self._holds(path) and path.is_file():
                return path
        raise ArgumentError(f"{name}: no such file in the allowed folders, {self}")

    def to_write(self, name: str) -> Path:
        """Find the place of a new file; a relative path is in the first folder.

        Raises
        ------
        ArgumentError
            If it is outside of the folders, its own folder is not there, or it exists already.
        """
        path = self._places(name)[0]
        if not (self._holds(path) and path.parent.is_dir()):
            raise ArgumentError(f"{name}: not in the allowed folders, {self}")
        if path.exists():
            raise ArgumentError(f"{name}: exists already; give another name")
        return path

    def __str__(self) -> str:
        return ", ".join(str(folder) for folder in self.folders)

    def _places(self, name: str) -> list[Path]:
        """Where a name may lead, with symbolic links followed."""
        if "\0" in name:
            raise ArgumentError("a path must not hold a null character")
        try:
            return [(folder / name).resolve() for folder in self.folders]
        except (OSError, RuntimeError):  # a circle of links
            raise ArgumentError(f"{name}: cannot be followed; check its links") from None

    def _holds(self, path: Path) -> bool:
        return any(path.is_relative_to(folder) for folder in self.folders)
