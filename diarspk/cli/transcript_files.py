"""Transcripts that a command line names: files, and folders of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from diarspk.cli.recordings import Recording

__all__ = ["SUFFIXES", "find_transcripts", "is_transcript"]

SUFFIXES = (
    *(".json", ".openai.json", ".seglst.json", ".podcast.json"),
    *(".srt", ".vtt", ".ctm", ".stm"),
)
"""Of a recording with several, such as whisper writes, the first one counts: JSON has all words."""

NOT_READ = (".label-studio.json",)


def is_transcript(path: Path) -> bool:
    """Whether a file is a transcript that can be read, by its suffix."""
    return path.name.lower().endswith(SUFFIXES)


def find_transcripts(given: Sequence[Path]) -> list[Recording]:
    """List transcripts: files, and of a folder the best one of each recording.

    Raises
    ------
    typer.BadParameter
        If there is none in a folder.
    """
    return [found for path in given for found in _expand(path)]


def _expand(path: Path) -> Iterator[Recording]:
    if not path.is_dir():
        yield Recording(path)
        return
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(path.iterdir()):
        name = file.name.lower()
        hidden = file.name.startswith(".")
        if hidden or name.endswith(NOT_READ) or not is_transcript(file) or not file.is_file():
            continue
        suffix = max((one for one in SUFFIXES if name.endswith(one)), key=len)
        found.setdefault(file.name[: -len(suffix)], {})[suffix] = file
    if not found:
        raise typer.BadParameter(f"the folder {path} holds no transcript")
    for stem, files in found.items():
        yield Recording(next(files[suffix] for suffix in SUFFIXES if suffix in files), stem)
