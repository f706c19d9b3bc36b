"""Store of downloaded models: a folder for each, with a record of what it is.

A record says which revision was downloaded and the digest of each file. What the catalogue does
not pin is trusted at the first download and held to that from then on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from diarspk.atomic import atomic_path
from diarspk.catalogue.entry import CatalogueEntry
from diarspk.checkpoints.assets import model_store
from diarspk.checkpoints.digest import digest_file
from diarspk.errors import ModelError

__all__ = ["Record", "read_record", "verify", "write_record"]

RECORD = "record.json"


@dataclass(frozen=True)
class Record:
    """What was downloaded under a name.

    Attributes
    ----------
    name : str
    source : str
        In words.
    revision : str
        Commit or version.
    sha256 : mapping of str to str
        Digest of each file.
    folder : str
        Folder of the files; empty where they lie beside the record.
    licence_shown : bool
        Whether the user was told that the licence forbids commercial use.
    computed : mapping, optional
        What the model computed of the fixed signal at the first load, where the catalogue does not
        say it.
    """

    name: str
    source: str
    revision: str
    sha256: Mapping[str, str]
    folder: str = ""
    licence_shown: bool = False
    computed: Mapping[str, Any] | None = field(default=None, repr=False)

    def file(self, name: str) -> Path:
        """Path of a file."""
        return (Path(self.folder) if self.folder else model_store() / self.name) / name


def read_record(name: str) -> Record | None:
    """Read the record of a model; None where there is none, or none that can be read."""
    try:
        stored = json.loads((model_store() / name / RECORD).read_text(encoding="utf-8"))
        return Record(**stored)
    except (OSError, ValueError, TypeError):
        return None


def write_record(record: Record, folder: Path | None = None) -> None:
    """Write a record into the model's folder of the store, or into another one; whole or not."""
    folder = model_store() / record.name if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / RECORD) as part:
        part.write_text(json.dumps(asdict(record), indent=2), encoding="utf-8")


def verify(entry: CatalogueEntry, record: Record) -> None:
    """Compare the files with their digests.

    Raises
    ------
    ModelError
        If one is missing or has another content, or the record is of another revision than the
        catalogue names.
    """
    remedy = f"download it anew with: diarspk models download {entry.name}"
    pinned = entry.source.revision
    if pinned is not None and record.revision != pinned:
        raise ModelError(
            f"{entry.name}: revision {record.revision} was downloaded, this version takes "
            f"{pinned}; {remedy}"
        )
    for name, digest in {**record.sha256, **entry.sha256}.items():
        path = record.file(name)
        if not path.is_file():
            raise ModelError(f"{entry.name}: {path} is gone; {remedy}")
        if digest_file(path) != digest:
            raise ModelError(
                f"{entry.name}: {path} is not the file that was published (its sha256 differs): it "
                f"is damaged or was replaced; {remedy}"
            )
