"""Saving of a transcript; the suffix of the file, or a name, selects the format."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import StringIO
from os import PathLike
from pathlib import Path
from typing import TextIO, TypeAlias

from diarspk.atomic import atomic_path
from diarspk.errors import ArgumentError, FormatError
from diarspk.transcripts.json_writing import (
    write_label_studio,
    write_openai,
    write_podcast,
    write_whisperx,
)
from diarspk.transcripts.nist import write_ctm, write_stm
from diarspk.transcripts.seglst import write_seglst
from diarspk.transcripts.subtitle_writing import write_ass, write_srt, write_vtt
from diarspk.transcripts.text_writing import write_markdown, write_text
from diarspk.transcripts.tier_writing import write_eaf, write_textgrid
from diarspk.transcripts.times import complete_times
from diarspk.transcripts.transcript import Transcript

__all__ = ["FORMATS", "find_writer", "format_of", "save_transcript", "to_text"]

Writer: TypeAlias = Callable[[Transcript, TextIO], None]

FORMATS: dict[str, tuple[str, Writer]] = {
    "whisperx": (".json", write_whisperx),
    "openai": (".openai.json", write_openai),
    "podcast": (".podcast.json", write_podcast),
    "seglst": (".seglst.json", write_seglst),
    "label-studio": (".label-studio.json", write_label_studio),
    "srt": (".srt", write_srt),
    "vtt": (".vtt", write_vtt),
    "ass": (".ass", write_ass),
    "txt": (".txt", write_text),
    "markdown": (".md", write_markdown),
    "ctm": (".ctm", write_ctm),
    "stm": (".stm", write_stm),
    "textgrid": (".textgrid", write_textgrid),
    "eaf": (".eaf", write_eaf),
}
"""Suffix, in lower case, and writer of each format, by name. The longest suffix counts."""

WITHOUT_TIMES = {"whisperx", "txt", "markdown"}
"""Formats that can be written of words without any time."""


def save_transcript(
    transcript: Transcript,
    path: str | PathLike[str],
    *,
    format: str | None = None,
    every_cue: bool = False,
) -> None:
    """Save a transcript to a file, which is replaced whole or not at all.

    Parameters
    ----------
    transcript : Transcript
    path : path
    format : str, optional
        A name in :data:`diarspk.transcripts.saving.FORMATS`. Default: by the suffix, .json (as
        whisperX), .openai.json, .podcast.json, .seglst.json, .label-studio.json, .srt, .vtt, .ass,
        .txt, .md, .ctm, .stm, .TextGrid or .eaf.
    every_cue : bool, default False
        Put the name on every cue of SRT, not only where the speaker changes.

    Raises
    ------
    ArgumentError
        If there is no such format, or it needs times that no word has.
    FormatError
        If the file cannot be written.
    """
    path = Path(path)
    text = to_text(transcript, format or format_of(path), every_cue=every_cue)
    try:
        with (
            atomic_path(path) as part,
            part.open("w", encoding="utf-8", newline="\n") as stream,
        ):
            stream.write(text)
    except OSError as error:
        raise FormatError(f"cannot be written ({error.strerror}); check it", str(path)) from None


def to_text(transcript: Transcript, format: str, *, every_cue: bool = False) -> str:
    """Make the content of a file in a format.

    Raises
    ------
    ArgumentError
        If there is no such format, or it needs times that no word has.
    """
    write = find_writer(format, every_cue=every_cue)
    timed = complete_times(transcript)
    if format not in WITHOUT_TIMES and any(word.start is None for word in timed.words):
        raise ArgumentError(f"`transcript` must have times for {format}, but no word has one")
    stream = StringIO()
    write(timed, stream)
    text = stream.getvalue()
    try:
        text.encode()
    except UnicodeEncodeError as error:
        broken = text[error.start : error.end]
        raise ArgumentError(
            f"`transcript` must be text that UTF-8 can hold, got half of a character, {broken!r}"
        ) from None
    return text


def find_writer(name: str, *, every_cue: bool = False) -> Writer:
    """Find the writer of a format by name.

    Raises
    ------
    ArgumentError
        If there is none, or ``every_cue`` is asked of another one than SRT.
    """
    if name not in FORMATS:
        raise ArgumentError(f"`format` must be one of {', '.join(FORMATS)}, got {name!r}")
    if every_cue and name != "srt":
        raise ArgumentError(f"`every_cue` must be left out: it is for srt, got {name}")
    return partial(write_srt, every_cue=True) if every_cue else FORMATS[name][1]


def format_of(path: Path) -> str:
    """Find the name of a format by the suffix of a file.

    Raises
    ------
    ArgumentError
        If there is none.
    """
    fitting = [
        (len(suffix), name)
        for name, (suffix, _) in FORMATS.items()
        if path.name.lower().endswith(suffix)
    ]
    if not fitting:
        suffixes = ", ".join(suffix for suffix, _ in FORMATS.values())
        raise ArgumentError(f"`path` must end in one of {suffixes}, got {str(path)!r}")
    return max(fitting)[1]
