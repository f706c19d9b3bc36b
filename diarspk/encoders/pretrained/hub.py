"""Checkpoints by the name and the commit of a repository on the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from diarspk.errors import ModelError

__all__ = ["find_repository", "is_hub_name"]

PREFIX = "hf:"
NAME = re.compile(r"hf:(?P<repository>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40})")
PATTERNS = ("*.pt", "*.pth", "*.bin", "*.ckpt", "*.onnx", "*.safetensors", "*.json", "*.yaml")


def is_hub_name(name: object) -> bool:
    """Whether a name is meant for the hub."""
    return isinstance(name, str) and name.startswith(PREFIX)


def find_repository(name: str, *, download: bool = False) -> Path:
    """Find the files of ``hf:OWNER/NAME@COMMIT`` in the local cache, or download them into it.

    Parameters
    ----------
    name
        With the commit in full: a branch or a tag can change under the same name.
    download
        Whether the hub may be asked. Without it nothing reaches for the network.

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
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise ModelError(
            "huggingface-hub is not installed: pip install 'diarspk[transformers]'"
        ) from error
    try:
        folder = snapshot_download(
            match["repository"],
            revision=match["commit"],
            allow_patterns=list(PATTERNS),
            local_files_only=not download,
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        remedy = (
            "check the name, the connection and, for a gated repository, the login"
            if download
            else "it is not in the local cache; load it once with "
            f"diarspk.load_encoder({name!r}, download=True)"
        )
        raise ModelError(f"{name}: cannot be found ({type(error).__name__}); {remedy}") from error
    return Path(folder)
