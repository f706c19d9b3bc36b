"""Names of results: two recordings never share a file, wherever they come from."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from diarspk.cli.recordings import Recording, stem
from diarspk.file_names import file_stems

__all__ = ["NamedRecording", "name_results"]

REPORT = re.compile(r"report(-\d+-of-\d+)?", re.IGNORECASE)
"""Stems of the report beside the results."""

NOTHING = re.compile(r"(?!)")


@dataclass(frozen=True)
class NamedRecording:
    """A recording, its name in the result, and the stem of the file of it."""

    recording: Recording
    name: str
    stem: str


def name_results(recordings: Iterable[Recording], suffix: str = "") -> list[NamedRecording]:
    """Name the result of each recording; one that is given twice is done once.

    The name is that of the list, or else of the file without folder and suffix. Where several files
    would share it, it is made of their folders as well, from the first in which they differ:
    ``monday_call`` and ``tuesday_call``. All of it depends on nothing but the recordings, so that
    every job of an array finds the same names.

    Parameters
    ----------
    recordings
        All of a list.
    suffix
        That of the files: ``.csv`` is also that of the report, whose name is left to it.
    """
    given = list({_identity(recording): recording for recording in recordings}.values())
    names = _distinct([recording.name or stem(recording.path) for recording in given], given)
    plain = Counter(map(_folded, names))
    reserved = REPORT if suffix == ".csv" else NOTHING
    stems: list[str | None] = [
        name
        if _is_plain(name, recording) and plain[_folded(name)] == 1 and not reserved.fullmatch(name)
        else None
        for name, recording in zip(names, given, strict=True)
    ]
    taken = {_folded(one) for one in stems if one is not None}
    others = dict.fromkeys(name for name, one in zip(names, stems, strict=True) if one is None)
    made = file_stems(others)
    found = []
    for recording, name, one in zip(given, names, stems, strict=True):
        if one is None:
            one = made[name]
            one = _number(f"_{one}" if reserved.fullmatch(one) else one, taken)
        found.append(NamedRecording(recording, name, one))
    return found


def _identity(recording: Recording) -> tuple[object, ...]:
    path = os.path.abspath(recording.path)
    return path, recording.name, recording.channel, recording.start, recording.end


def _is_plain(name: str, recording: Recording) -> bool:
    """Whether a name is that of a file, and so may be the name of another."""
    return not recording.name and name == stem(recording.path)


def _distinct(names: Sequence[str], recordings: Sequence[Recording]) -> list[str]:
    """Replace names that files share by those of their paths, first without suffix, then with."""
    found = list(names)
    for with_suffix in (False, True):
        counts = Counter(map(_folded, found))
        groups: dict[str, list[int]] = {}
        for index, name in enumerate(found):
            if counts[_folded(name)] > 1 and not recordings[index].name:
                groups.setdefault(_folded(name), []).append(index)
        for members in groups.values():
            paths = [Path(os.path.abspath(recordings[index].path)) for index in members]
            root = os.path.commonpath([path.parent for path in paths])
            for index, path in zip(members, paths, strict=True):
                shown = path if with_suffix else path.with_suffix("")
                found[index] = "_".join(shown.relative_to(root).parts)
    return found


def _number(stem: str, taken: set[str]) -> str:
    number, found = 1, stem
    while _folded(found) in taken:
        number += 1
        found = f"{stem}-{number}"
    taken.add(_folded(found))
    return found


def _folded(name: str) -> str:
    """Form that file systems compare which disregard case, or the composition of letters."""
    return unicodedata.normalize("NFC", name).casefold()
