"""Where checkpoints of other projects are: files, folders, repositories of the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from diarspk.catalogue.hub import find_snapshot
from diarspk.errors import ModelError

__all__ = ["FILES", "find_file", "find_repository", "is_hub_name", "is_pretrained"]

FILES = (
    *("avg_model.pt", "pytorch_model.bin", "embedding_model.ckpt"),
    *("campplus_cn_en_common.pt", "campplus_cn_common.bin", "campplus_voxceleb.bin"),
)
"""Names that the projects give to the file with the weights, looked for in a folder."""

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".onnx")

PREFIX = "hf:"
NAME = re.compile(r"hf:(?P<repository>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40})")
PATTERNS = ("*.pt", "*.pth", "*.bin", "*.ckpt", "*.onnx", "*.safetensors", "*.json", "*.yaml")


def is_pretrained(path: Path) -> bool:
    """Whether a path is a checkpoint of another project by its suffix, or a folder with one."""
    return path.is_dir() or (path.exists() and path.suffix in SUFFIXES)


def find_file(path: Path) -> Path:
    """Find the file with the weights; a file is returned as it is.

    Raises
    ------
    ModelError
        If a folder holds no file of a known name, and not exactly one ``.pth`` or ``.onnx`` file.
    """
    if not path.is_dir():
        return path
    for name in FILES:
        if (path / name).is_file():
            return path / name
    others = [file for pattern in ("*.pth", "*.onnx") for file in path.glob(pattern)]
    if len(others) == 1:
        return others[0]
    raise ModelError(f"{path}: none of {', '.join(FILES)} is in this folder; give the file itself")


def is_hub_name(name: object) -> bool:
    """Whether a name stands for a repository of the hub."""
    return isinstance(name, str) and name.startswith(PREFIX)


def find_repository(name: str, *, download: bool = False) -> Path:
    """Find the files of ``hf:OWNER/NAME@COMMIT`` in the local cache, or download them into it.

    Parameters
    ----------
    name
        With the full commit hash, since branches and tags can move.
    download
        Download what is not in the cache. Otherwise the network is not used.

    Returns
    -------
    Path
        Folder of that commit.

    Raises
    ------
    ModelError
        If the name has no commit, the files are not in the cache, or the hub does not give them.
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise ModelError(
            f"{name}: a model of the hub must be named {PREFIX}OWNER/NAME@COMMIT, with all 40 "
            "digits of the commit, so that it stays the same"
        )
    return find_snapshot(
        match["repository"],
        match["commit"],
        PATTERNS,
        label=name,
        remedy="it is not in the local cache; load it once with "
        f"diarspk.load_encoder({name!r}, download=True)",
        download=download,
    )
