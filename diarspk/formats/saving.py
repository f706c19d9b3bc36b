"""Saving of an annotation; the suffix of the file selects the format."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TextIO

from pyannote.core import Annotation

from diarspk.arguments import check_path
from diarspk.atomic import atomic_path
from diarspk.errors import ArgumentError, FormatError
from diarspk.formats.rttm import write_rttm
from diarspk.formats.turns import Confidence, check_annotation
from diarspk.formats.writers import (
    write_audacity,
    write_csv,
    write_json,
    write_srt,
    write_textgrid,
    write_vtt,
)

__all__ = ["SUFFIXES", "save_annotation", "save_text"]

WRITERS = {
    ".rttm": write_rttm,
    ".json": write_json,
    ".csv": write_csv,
    ".srt": write_srt,
    ".vtt": write_vtt,
    ".txt": write_audacity,
    ".textgrid": write_textgrid,
}
SUFFIXES = tuple(WRITERS)
"""Suffixes, in lower case, of the formats that can be written."""


def save_annotation(
    annotation: Annotation,
    path: str | PathLike[str],
    *,
    confidence: Confidence | None = None,
) -> None:
    """Save an annotation to a file, which is replaced whole or not at all.

    Parameters
    ----------
    annotation : pyannote.core.Annotation
    path : path
        With the suffix of a format: .rttm, .json, .csv, .srt, .vtt, .txt (Audacity labels) or
        .TextGrid (Praat).
    confidence : mapping of (Segment, track) to float, optional
        Written to RTTM, JSON and CSV.

    Raises
    ------
    ArgumentError
        If the suffix is another.
    FormatError
        If the file cannot be written.
    """
    check_annotation(annotation, "annotation")

    def write(stream: TextIO, suffix: str) -> None:
        WRITERS[suffix](annotation, stream, confidence=confidence)

    save_text(path, write)


def save_text(path: str | PathLike[str], write: Callable[[TextIO, str], None]) -> None:
    """Save what ``write(stream, suffix)`` writes; the suffix is one of `SUFFIXES`.

    Raises
    ------
    ArgumentError
        If the suffix is another.
    FormatError
        If the file cannot be written.
    """
    path = Path(check_path(path, "path"))
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        raise ArgumentError(f"`path` must end in one of {', '.join(SUFFIXES)}, got {str(path)!r}")
    try:
        with (
            atomic_path(path) as part,
            part.open("w", encoding="utf-8", newline="\n") as stream,
        ):
            write(stream, suffix)
    except OSError as error:
        raise FormatError(f"cannot be written ({error.strerror}); check it", str(path)) from None
