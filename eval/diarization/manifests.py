"""Data sets that lhotse has prepared: manifests of recordings and of supervisions, JSON lines.

``lhotse prepare ami ...`` writes ``ami-ihm-mix_recordings_test.jsonl.gz`` and, beside it,
``ami-ihm-mix_supervisions_test.jsonl.gz``; the former names the data set here. The files are read
as they are, so lhotse need not be installed.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyannote.core import Annotation, Segment, Timeline

from diarspk.errors import FormatError
from eval.diarization.conversation import Conversation

__all__ = ["data_set_name", "read_manifests"]


def read_manifests(recordings: Path) -> list[Conversation]:
    """Every recording of a manifest with its supervisions as reference; the whole is scored.

    Parameters
    ----------
    recordings : Path
        ``..recordings...jsonl`` or ``.jsonl.gz``; "supervisions" takes the place of "recordings"
        in the name of the other manifest. Paths in it that are not absolute start at the working
        directory, as lhotse has it, or at the manifest's folder.

    Raises
    ------
    FormatError
        If a manifest is missing or damaged, a recording is not one file, or that file is missing.
    """
    if "recordings" not in recordings.name:
        raise FormatError("must be a manifest of recordings, named so", str(recordings))
    other = recordings.with_name(recordings.name.replace("recordings", "supervisions"))
    turns: dict[str, Annotation] = defaultdict(Annotation)
    for number, item in _items(other):
        start, duration, recording, speaker = _values(
            item, ("start", "duration", "recording_id", "speaker"), other, number
        )
        if duration > 0:
            turns[recording][Segment(start, start + duration), number] = str(speaker)
    found = []
    for number, item in _items(recordings):
        name, sources, duration = _values(item, ("id", "sources", "duration"), recordings, number)
        audio = _audio(sources, recordings, number)
        reference = turns[name]
        reference.uri = name
        found.append(Conversation(audio, reference, Timeline([Segment(0, duration)]), name))
    if not found:
        raise FormatError("holds no recording", str(recordings))
    return sorted(found, key=lambda one: one.name)


def data_set_name(data: Path) -> str:
    """Name of a data set in tables: that of the folder, or of the manifest without suffixes."""
    name = data.name.removesuffix(".gz").removesuffix(".jsonl")
    return name.replace("_recordings", "").replace("recordings_", "")


def _items(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Lines with their numbers."""
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise FormatError(f"cannot be read ({error})", str(path)) from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                item = json.loads(line)
            except ValueError as error:
                raise FormatError(f"no JSON ({error})", str(path), number) from None
            yield number, item


def _values(item: dict[str, Any], names: tuple[str, ...], path: Path, number: int) -> list[Any]:
    missing = [name for name in names if item.get(name) is None]
    if missing:
        raise FormatError(f"has no {', '.join(missing)}", str(path), number)
    return [item[name] for name in names]


def _audio(sources: list[dict[str, Any]], manifest: Path, number: int) -> Path:
    if len(sources) != 1 or sources[0].get("type") != "file":
        raise FormatError(
            "must be one file a recording; prepare the corpus with a single mix of channels",
            str(manifest),
            number,
        )
    named = Path(sources[0]["source"])
    for path in (named, manifest.parent / named):
        if path.is_file():
            return path
    raise FormatError(f"no such file: {named}; is the corpus where it was?", str(manifest), number)
