"""Folder of the tracks of one recording: what belongs to it, and what is left of earlier ones.

``tracks.json`` lists the tracks. A new extraction into the folder removes those that an earlier
``tracks.json`` lists and that are not written again; other sound files are never touched, but told.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diarspk.atomic import atomic_path
from diarspk.errors import DiarspkWarning

__all__ = ["LISTING", "SUFFIX", "write_listing"]

LISTING = "tracks.json"
"""Name of the list of tracks in their folder."""

SUFFIX = ".wav"
"""Suffix of tracks in a folder."""

SHOWN = 5
"""Files that a message names."""


def write_listing(folder: Path, document: Mapping[str, Any], files: Sequence[Path]) -> None:
    """Write the list of the tracks that were just written, and remove those of earlier ones.

    Parameters
    ----------
    folder
        Made if it is not there.
    document
        The list, by values that JSON has.
    files
        The tracks in it.

    Warns
    -----
    DiarspkWarning
        Of files that were removed, and of sound files that are no tracks of this extraction.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own = {file.name for file in files}
    old = [name for name in _listed(folder / LISTING) if name not in own]
    removed = []
    for name in old:
        if (folder / name).is_file():
            (folder / name).unlink()
            removed.append(name)
    with atomic_path(folder / LISTING) as part:
        part.write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")
    if removed:
        _warn(folder, f"removed {_shown(removed)}, left of an earlier extraction")
    others = sorted(file.name for file in folder.glob(f"*{SUFFIX}") if file.name not in own)
    if others:
        _warn(folder, f"also holds {_shown(others)}, not of this extraction; {LISTING} lists it")


def _listed(listing: Path) -> list[str]:
    """Names of the tracks of an earlier list; none if there is no list, or it is damaged."""
    try:
        tracks = json.loads(listing.read_text(encoding="utf-8"))["tracks"]
        names = [track["file"] for track in tracks]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return []
    # A list from elsewhere could name any file; tracks lie in the folder itself.
    return [
        name
        for name in names
        if isinstance(name, str) and name == Path(name).name and name.endswith(SUFFIX)
    ]


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def _warn(folder: Path, text: str) -> None:
    warnings.warn(f"{folder}: {text}", DiarspkWarning, stacklevel=3)
