"""Files that list recordings: text, tables, manifests of lhotse, and Kaldi's wav.scp and segments.

Paths in a list start at the working directory or, where there is no such file, at the list's
folder. Lists may name parts of recordings and channels, and give names.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from diarspk.cli.recordings import Recording
from diarspk.errors import FormatError
from diarspk.formats.manifests import audio_of, locate, read_items, take_seconds, take_values

__all__ = ["list_reader"]

COLUMNS = {
    "path": ("path", "audio", "audio_filepath", "file", "filename", "wav", "recording"),
    "name": ("name", "id", "uri", "recording_id"),
    "channel": ("channel",),
    "start": ("start",),
    "end": ("end",),
}
"""Columns of a table, and the headings that stand for each; all but the path may be missing."""

ROUNDING_S = 1e-3
"""Seconds by which a cut may end before its recording and still be all of it."""


def list_reader(listing: Path) -> Callable[[Path], Iterator[Recording]] | None:
    """Choose the reader of a list by its name; None for what is a recording.

    Readers raise FormatError with the line that is wrong.
    """
    name = listing.name.lower()
    if name.endswith((".jsonl", ".jsonl.gz")):
        return _read_manifest
    if name == "segments":
        return _read_segments
    readers = {
        ".scp": _read_scp,
        ".csv": _read_table,
        ".tsv": _read_table,
        ".txt": _read_text,
        ".lst": _read_text,
    }
    return readers.get(listing.suffix.lower())


def _read_manifest(listing: Path) -> Iterator[Recording]:
    """Read recordings or cuts of lhotse."""
    names: dict[str, int] = {}
    for number, item in read_items(listing):
        if "recording_id" in item:
            raise FormatError(
                "is a supervision; give the manifest of recordings or of cuts", str(listing), number
            )
        (name,) = take_values(item, ("id",), listing, number)
        _check_name(str(name), names, listing, number)
        if "sources" in item:
            yield Recording(audio_of(item, listing, number), str(name))
            continue
        yield _cut(item, str(name), listing, number)


def _cut(item: dict[str, Any], name: str, listing: Path, number: int) -> Recording:
    """Take a cut of one recording; of several channels it is the mean, as a recording is."""
    recording, channel = item.get("recording"), item.get("channel", 0)
    if not isinstance(recording, dict) or not isinstance(channel, int | list):
        raise FormatError(
            f"must be a recording, or a cut of one, got {item.get('type', 'something else')}",
            str(listing),
            number,
        )
    start = take_seconds(item, "start", listing, number)
    end = start + take_seconds(item, "duration", listing, number)
    if end <= start:
        raise FormatError("has no duration", str(listing), number)
    path = audio_of(recording, listing, number)
    if isinstance(channel, list) or recording.get("channel_ids") in (None, [channel]):
        channel = None
    found = Recording(path, name, channel, start, end)
    whole = start == 0 and end >= take_seconds(recording, "duration", listing, number) - ROUNDING_S
    return replace(found, end=None) if whole else found


def _read_scp(listing: Path) -> Iterator[Recording]:
    """Read Kaldi's ``NAME PATH`` on each line; commands are not run."""
    names: dict[str, int] = {}
    for number, line in _lines(listing):
        name, _, named = line.strip().partition(" ")
        named = named.strip()
        if not named:
            raise FormatError("must be a name and a path", str(listing), number)
        if named.endswith("|"):
            raise FormatError(
                "is a pipe, and commands are not run; write its output to a file, and name that",
                str(listing),
                number,
            )
        if named == "-" or named.rpartition(":")[0].endswith(".ark"):
            raise FormatError(f"must be the path of a recording, got {named}", str(listing), number)
        _check_name(name, names, listing, number)
        yield Recording(locate(named, listing, number), name)


def _read_segments(listing: Path) -> Iterator[Recording]:
    """Read Kaldi's ``NAME RECORDING START END``, in seconds; ``wav.scp`` lies beside it."""
    scp = listing.with_name("wav.scp")
    paths = {recording.name: recording.path for recording in _read_scp(scp)}
    names: dict[str, int] = {}
    for number, line in _lines(listing):
        fields = line.split()
        if len(fields) != 4:
            raise FormatError("must be a name, a recording, start and end", str(listing), number)
        name, recording = fields[:2]
        if recording not in paths:
            raise FormatError(f"{recording} is not in {scp}", str(listing), number)
        _check_name(name, names, listing, number)
        start, end = _part(fields[2], fields[3], listing, number)
        yield Recording(paths[recording], name, start=start, end=end)


def _read_table(listing: Path) -> Iterator[Recording]:
    """Read a table with headings, whose cells commas, semicolons or tabs divide."""
    text = _text(listing)
    heading = text.partition("\n")[0]
    delimiter = max("\t;,", key=heading.count)
    names: dict[str, int] = {}
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        headings = {name.strip().lower(): name for name in rows.fieldnames or []}
        columns = {
            column: next((headings[name] for name in known if name in headings), None)
            for column, known in COLUMNS.items()
        }
        if columns["path"] is None:
            raise FormatError(
                f"its first line must name a column {', '.join(COLUMNS['path'][:-1])} or "
                f"{COLUMNS['path'][-1]}, got {heading.strip()[:80]!r}",
                str(listing),
                1,
            )
        for row in rows:
            number = rows.line_num
            cells = {
                column: (row.get(name) or "").strip() if name is not None else ""
                for column, name in columns.items()
            }
            if cells["name"]:
                _check_name(cells["name"], names, listing, number)
            start, end = _part(cells["start"], cells["end"], listing, number)
            path = locate(cells["path"], listing, number)
            channel = _channel(cells["channel"], listing, number)
            yield Recording(path, cells["name"], channel, start, end)
    except csv.Error as error:
        raise FormatError(f"is no table ({error})", str(listing)) from None


def _read_text(listing: Path) -> Iterator[Recording]:
    """Read a path on each line; empty lines and those that begin with # are left out."""
    for number, line in _lines(listing):
        if not line.lstrip().startswith("#"):
            yield Recording(locate(line.strip(), listing, number))


def _lines(listing: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not empty, with their numbers."""
    for number, line in enumerate(_text(listing).split("\n"), 1):
        if line.strip():
            yield number, line.replace("\t", " ") if listing.suffix == ".scp" else line


def _text(listing: Path) -> str:
    """Text of a list; bytes of file names that are not UTF-8 stay as they are."""
    try:
        return listing.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror})", str(listing)) from None


def _check_name(name: str, names: dict[str, int], listing: Path, number: int) -> None:
    if name in names:
        raise FormatError(
            f"the name {name} stands in line {names[name]} as well", str(listing), number
        )
    names[name] = number


def _part(start: str, end: str, listing: Path, number: int) -> tuple[float, float | None]:
    try:
        first, last = float(start or 0), float(end) if end else None
    except ValueError:
        first, last = math.nan, None
    if not 0 <= first < (math.inf if last is None else last) or last == math.inf:
        raise FormatError(
            f"must go from a start to a later end in seconds, got {start or 0} to {end or 'none'}",
            str(listing),
            number,
        )
    return first, last


def _channel(text: str, listing: Path, number: int) -> int | None:
    if text and not (text.isascii() and text.isdigit()):
        raise FormatError(f"channel must be a number from 0 on, got {text}", str(listing), number)
    return int(text) if text else None
