"""Repositories of the Hugging Face hub by name: ``hf:OWNER/NAME@COMMIT``."""

from __future__ import annotations

import re
from pathlib import Path

from diarspk.catalogue.hub import find_snapshot
from diarspk.errors import ModelError

__all__ = ["PREFIX", "find_repository", "is_hub_name"]

PREFIX = "hf:"
NAME = re.compile(r"hf:(?P<repository>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40})")
PATTERNS = ("*.pt", "*.pth", "*.bin", "*.ckpt", "*.onnx", "*.safetensors", "*.json", "*.yaml")


def is_hub_name(name: object) -> bool:
    """Whether a name stands for a repository of the hub."""
    return isinstance(name, str) and name.startswith(PREFIX)


def find_repository(name: str, *, download: bool = False, remedy: str | None = None) -> Path:
    """Find the files of ``hf:OWNER/NAME@COMMIT`` in the local cache, or download them into it.

    Parameters
    ----------
    name
        With the full commit hash, since branches and tags can move.
    download
        Download what is not in the cache. Otherwise the network is not used.
    remedy
        What to do where it is not in the cache. Default: to load it as an encoder.

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
        remedy=remedy
        or "it is not in the local cache; load it once with "
        f"diarspk.load_encoder({name!r}, download=True)",
        download=download,
    )
