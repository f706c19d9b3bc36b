"""Names of results: two recordings never share a file, wherever they come from."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from diarspk.cli.recordings import STDIN, Recording, stem
from diarspk.file_names import file_stems

__all__ = ["NamedRecording", "name_results"]

REPORT = re.compile(r"report(-\d+-of-\d+)?\.csv", re.IGNORECASE)
"""Names of the report beside the results."""


@dataclass(frozen=True)
class NamedRecording:
    """A recording, its name in the result, and the stem of the file of it."""

    recording: Recording
    name: str
    stem: str


def name_results(recordings: Iterable[Recording], suffix: str = "") -> list[NamedRecording]:
    """Name the result of each recording; one that is given twice is done once.

    The name is that of the list, or else of the file without folder and suffix, with the times of a
    part: ``call_0.00-2.50``. Where several would share it, it tells the channel, or the folders as
    well, from the first in which they differ: ``monday_call`` and ``tuesday_call``. All of it
    depends on nothing but the recordings, so that every job of an array finds the same names.

    Parameters
    ----------
    recordings
        All of a list.
    suffix
        That of the files; no result gets the name of the report.
    """
    given = list({_identity(recording): recording for recording in recordings}.values())
    names = _distinct(given)
    counts = Counter(map(_folded, names))
    plain = [  # what is the name of a file may be the name of another
        not recording.name
        and name == stem(recording.path)
        and counts[_folded(name)] == 1
        and not REPORT.fullmatch(name + suffix)
        for name, recording in zip(names, given, strict=True)
    ]
    taken = {_folded(name) for name, kept in zip(names, plain, strict=True) if kept}
    valid = file_stems(name for name, kept in zip(names, plain, strict=True) if not kept)
    numbers: Counter[str] = Counter()
    found = []
    for recording, name, kept in zip(given, names, plain, strict=True):
        own = name
        if not kept:
            own = valid[name]
            own = _number(f"_{own}" if REPORT.fullmatch(own + suffix) else own, taken, numbers)
        found.append(NamedRecording(recording, name, own))
    return found


def _identity(recording: Recording) -> tuple[object, ...]:
    path = _absolute(recording)
    return path, recording.name, recording.channel, recording.start, recording.end


def _distinct(recordings: Sequence[Recording]) -> list[str]:
    """Name recordings, and tell more of those that would share a name, step by step."""
    names = [recording.name or _describe(recording) for recording in recordings]
    roots: dict[int, str] = {}
    for step in ({"channel": True}, {"folders": True}, {"folders": True, "suffix": True}):
        groups: dict[str, list[int]] = {}
        for index, name in enumerate(names):
            groups.setdefault(_folded(name), []).append(index)
        for group in groups.values():
            members = [index for index in group if not recordings[index].name]
            if len(group) > 1 and members:
                parents = [os.path.dirname(_absolute(recordings[index])) for index in members]
                root = os.path.commonpath(parents)
                for index in members:
                    known = roots.setdefault(index, root)
                    names[index] = _describe(recordings[index], known, **step)
    return names


def _describe(
    recording: Recording,
    root: str = "",
    *,
    channel: bool = False,
    folders: bool = False,
    suffix: bool = False,
) -> str:
    """Name a recording after its file, with as much of it as is asked for."""
    path = Path(_absolute(recording))
    words = list(path.parent.relative_to(root).parts) if folders else []
    words.append(path.name if suffix and recording.path != STDIN else stem(recording.path))
    if not recording.whole:
        end = "end" if recording.end is None else f"{recording.end:.2f}"
        words.append(f"{recording.start:.2f}-{end}")
    if (channel or folders) and recording.channel is not None:
        words.append(f"channel-{recording.channel}")
    return "_".join(words)


def _absolute(recording: Recording) -> str:
    return os.path.abspath(recording.path)


def _number(stem: str, taken: set[str], numbers: Counter[str]) -> str:
    """Add a number to a stem that is taken."""
    found = stem
    while _folded(found) in taken:
        numbers[stem] += 1
        found = f"{stem}-{numbers[stem] + 1}"
    taken.add(_folded(found))
    return found


def _folded(name: str) -> str:
    """Form that file systems compare which disregard case, or the composition of letters."""
    return unicodedata.normalize("NFC", name).casefold()
