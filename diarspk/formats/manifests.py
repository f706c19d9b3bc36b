"""Manifests of lhotse: recordings, cuts and supervisions as JSON lines, also compressed.

The files are read as they are, so lhotse need not be installed.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from diarspk.errors import FormatError

__all__ = ["audio_of", "locate", "read_items", "take_seconds", "take_values"]


def read_items(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read the objects of a manifest, ``.jsonl`` or ``.jsonl.gz``, with their line numbers.

    Raises
    ------
    FormatError
        If the file is missing or damaged, or a line is no JSON object.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise FormatError(f"cannot be read ({error})", str(path)) from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                item = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise FormatError(f"no JSON ({error})", str(path), number) from None
            if not isinstance(item, dict):
                raise FormatError("must be a JSON object", str(path), number)
            yield number, item


def take_values(
    item: dict[str, Any], names: tuple[str, ...], manifest: Path, number: int
) -> list[Any]:
    """Take values that an item must have.

    Raises
    ------
    FormatError
        With the names that are missing.
    """
    missing = [name for name in names if item.get(name) is None]
    if missing:
        raise FormatError(f"has no {', '.join(missing)}", str(manifest), number)
    return [item[name] for name in names]


def take_seconds(item: dict[str, Any], name: str, manifest: Path, number: int) -> float:
    """Take a time that an item must have, 0 or later.

    Raises
    ------
    FormatError
        If it is missing, no number, or before 0.
    """
    (value,) = take_values(item, (name,), manifest, number)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise FormatError(f"{name} must be seconds from 0 on, got {value!r}", str(manifest), number)
    return float(value)


def audio_of(recording: dict[str, Any], manifest: Path, number: int) -> Path:
    """Find the file of a recording.

    Raises
    ------
    FormatError
        If the recording is not one file, or is to be changed before it is read.
    """
    (sources,) = take_values(recording, ("sources",), manifest, number)
    if (
        not isinstance(sources, list)
        or len(sources) != 1
        or not isinstance(sources[0], dict)
        or sources[0].get("type") != "file"
        or not isinstance(sources[0].get("source"), str)
    ):
        raise FormatError(
            "must be one file a recording; prepare the corpus with a single mix of channels, "
            "in files of its own",
            str(manifest),
            number,
        )
    if recording.get("transforms"):
        raise FormatError(
            "has transforms, which are not applied here; save the audio, and name that",
            str(manifest),
            number,
        )
    return locate(sources[0]["source"], manifest, number)


def locate(named: str, listing: Path, number: int) -> Path:
    """Find a file that a list names: from the working directory on, or else from the list's folder.

    It need not exist; whoever reads it will say so.

    Raises
    ------
    FormatError
        If this can be the path of no file.
    """
    if not named.strip() or "\0" in named:
        raise FormatError(f"must name a file, got {named!r}", str(listing), number)
    path = Path(named)
    beside = listing.parent / path
    # pathlib raises for names that are too long, and for folders that may not be read.
    return beside if not os.path.exists(path) and os.path.exists(beside) else path
