"""Lists of recordings that a command takes in place of a recording.

==========================  =======================================================================
a folder                    all recordings in it and below, by their suffixes
a pattern                   ``'calls/**/*.wav'``, where the shell has not replaced it
``.jsonl``, ``.jsonl.gz``   manifest of lhotse: recordings or cuts
``.scp``                    Kaldi's ``wav.scp``
``segments``                Kaldi's segments, with ``wav.scp`` beside it
``.csv``, ``.tsv``          table whose first line names the columns
``.txt``, ``.lst``          a path on each line
==========================  =======================================================================

Every list is read whole before the first recording is, so that a fault in it is told at once.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import typer

from diarspk.cli.list_files import list_reader
from diarspk.cli.recordings import STDIN, Recording
from diarspk.errors import FormatError

__all__ = ["find_recordings", "is_list"]

SUFFIXES = frozenset(
    (
        *(".3gp", ".aac", ".ac3", ".aif", ".aiff", ".amr", ".ape", ".asf", ".au", ".avi", ".caf"),
        *(".flac", ".flv", ".m2ts", ".m4a", ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3"),
        *(".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nist", ".oga", ".ogg", ".ogv", ".opus"),
        *(".sph", ".ts", ".vob", ".w64", ".wav", ".weba", ".webm", ".wma", ".wmv", ".wv"),
    )
)
"""Suffixes of the files in a folder that are recordings."""


def find_recordings(arguments: Iterable[Path]) -> list[Recording]:
    """Find the recordings that arguments stand for, in their order; those of a folder by name.

    Raises
    ------
    FormatError
        If a list is missing or damaged, or holds nothing.
    typer.BadParameter
        If there is no recording in a folder, or no file fits a pattern.
    """
    return [recording for argument in arguments for recording in _expand(argument)]


def is_list(argument: Path) -> bool:
    """Whether an argument stands for any number of recordings."""
    return argument != STDIN and (
        os.path.isdir(argument) or list_reader(argument) is not None or _is_pattern(argument)
    )


def _expand(argument: Path) -> list[Recording]:
    if not is_list(argument):
        return [Recording(argument)]
    if os.path.isdir(argument):
        found = [Recording(path) for path in _walk(argument)]
        if not found:
            raise typer.BadParameter(f"the folder {argument} holds no recording")
        return found
    if _is_pattern(argument):
        paths = sorted(Path(name) for name in glob.glob(str(argument), recursive=True))
        found = [Recording(path) for path in paths if not os.path.isdir(path)]
        if not found:
            raise typer.BadParameter(f"no file fits {argument}")
        return found
    read = list_reader(argument)
    assert read is not None
    found = list(read(argument))
    if not found:
        raise FormatError("holds no recording", str(argument))
    return found


def _is_pattern(argument: Path) -> bool:
    return glob.has_magic(str(argument)) and not os.path.exists(argument)


def _walk(folder: Path) -> Iterator[Path]:
    """Find the recordings in a folder and below; what is hidden is left out."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES:
                yield Path(parent, name)
