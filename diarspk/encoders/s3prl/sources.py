"""Sources of S3PRL's upstreams: names, downloads, and checkpoints that are safe to load."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from diarspk.checkpoints.pickled import read_state
from diarspk.encoders.s3prl.compatibility import import_s3prl
from diarspk.errors import ArgumentError, ModelError

__all__ = ["NO_DOWNLOAD", "available_upstreams", "check_source"]

NO_DOWNLOAD = frozenset(
    {
        *("fbank", "fbank_no_cmvn", "mfcc", "spectrogram", "mel", "linear", "stft_mag"),
        *("baseline", "log_stft"),
    }
)
"""Upstreams without weights, which compute features."""

FROM_FILE = ("_local", "_custom")
EVALUATED = re.compile(r"conv\w*_layers|override_encoder_layers")
"""Settings of checkpoints that S3PRL passes to Python's ``eval``."""

LISTS_OF_NUMBERS = re.compile(r"[\d\s\[\](),*+]*|True|False|None")


def available_upstreams() -> list[str]:
    """List the names of upstreams.

    Raises
    ------
    ModelError
        If s3prl is not installed.
    """
    return sorted(import_s3prl().S3PRLUpstream.available_names())


def check_source(name: str, path: str | Path | None, *, download: bool) -> None:
    """Check that an upstream can be loaded safely, before anything is downloaded or run.

    Parameters
    ----------
    name
        Name of an upstream.
    path
        Checkpoint, for names that end in ``_local`` or ``_custom``.
    download
        Allow S3PRL to download a checkpoint.

    Raises
    ------
    ArgumentError
        If there is no such upstream, or it needs a path, or takes none.
    ModelError
        If the checkpoint would have to be downloaded, is missing, or holds code.
    """
    known = available_upstreams()
    if name not in known:
        close = [other for other in known if other.startswith(name[:5])]
        raise ArgumentError(
            f"`name` must be an upstream of s3prl, such as {', '.join(close[:8] or known[:8])}; "
            f"got {name!r}"
        )
    if name in NO_DOWNLOAD:
        if path is not None:
            raise ArgumentError(f"`path` must be left out for {name}, which has no weights")
    elif name.endswith(FROM_FILE):
        if path is None:
            raise ArgumentError(f"`path` must be the checkpoint of {name}, got none")
        check_checkpoint(Path(path))
    elif not download:
        raise ModelError(
            f"{name}: its checkpoint has to be downloaded; allow that with download=True, or "
            f"download it elsewhere and give its path to an upstream named ..._local or ..._custom"
        )


def check_checkpoint(path: Path) -> None:
    """Check that a checkpoint holds no pickled code, and no text that S3PRL would evaluate.

    Raises
    ------
    ModelError
        Otherwise.
    """
    if path.is_dir():  # a folder of transformers, whose loader is safe
        return
    for name, value in _settings(read_state(path)):
        if EVALUATED.search(name) and not LISTS_OF_NUMBERS.fullmatch(value):
            raise ModelError(
                f"{path}: its setting {name} is {value[:60]!r}, which s3prl would run as code; "
                "do not use this file"
            )


def _settings(content: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    """Yield the strings of nested dictionaries with their keys."""
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _settings(value)
        elif isinstance(value, str):
            yield str(name), value
