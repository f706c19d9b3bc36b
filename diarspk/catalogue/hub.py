"""Files of the Hugging Face hub, in the cache that all its clients share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from diarspk.errors import ModelError

__all__ = ["find_snapshot"]


def find_snapshot(
    repository: str,
    revision: str | None,
    patterns: Sequence[str],
    *,
    label: str,
    remedy: str,
    download: bool = False,
) -> Path:
    """Find the files of a revision in the local cache, or download them into it.

    The hub's client resumes what was cut off, and honours ``HF_ENDPOINT``, ``HF_HOME``,
    ``HF_TOKEN``, ``HF_HUB_OFFLINE`` and the proxies of the environment.

    Parameters
    ----------
    repository, revision
        OWNER/NAME; a commit, or None for the newest.
    patterns
        Names of the files that are needed.
    label
        What the user calls it.
    remedy
        What to do where it is not in the cache.
    download
        Download what is not in the cache. Otherwise the network is not used.

    Returns
    -------
    Path
        Folder of that commit, which is its name.

    Raises
    ------
    ModelError
        If the files are not in the cache, or the hub does not give them.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise ModelError(
            "huggingface-hub is not installed: pip install 'diarspk[transformers]'"
        ) from error
    try:
        folder = snapshot_download(
            repository,
            revision=revision,
            allow_patterns=list(patterns),
            local_files_only=not download,
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        if download:
            remedy = _advise(error)
        raise ModelError(f"{label}: cannot be found ({type(error).__name__}); {remedy}") from error
    return Path(folder)


def _advise(error: Exception) -> str:
    """Say what to do about an error of the hub's client."""
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return (
            "its makers ask for consent: accept the terms on its page, and set HF_TOKEN to an "
            "access token of your account"
        )
    if isinstance(error, RepositoryNotFoundError):
        return "check the name; a private repository needs HF_TOKEN, an access token"
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set, so nothing is downloaded: unset it"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: make room, or set HF_HOME to a folder on another disk"
    return "check the name, the connection and, for a gated repository, the login"
