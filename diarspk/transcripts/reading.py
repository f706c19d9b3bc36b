"""Reading of transcripts: the suffix tells the family, the structure of JSON which of its kinds."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

from diarspk.errors import ArgumentError, FormatError
from diarspk.formats.names import plain_name
from diarspk.transcripts.choosing import choose_recording
from diarspk.transcripts.fields import Item
from diarspk.transcripts.nist import read_ctm, read_stm
from diarspk.transcripts.recogniser_json import parse_recogniser_json, parse_segments
from diarspk.transcripts.seglst import parse_seglst
from diarspk.transcripts.subtitle_reading import parse_srt, parse_vtt
from diarspk.transcripts.transcript import Transcript

__all__ = ["SUFFIXES", "TranscriptLike", "parse_transcript", "read_transcript", "to_transcript"]

SUFFIXES = (".json", ".srt", ".vtt", ".ctm", ".stm")
"""Suffixes, in lower case, of transcripts that can be read."""

TranscriptLike: TypeAlias = "Transcript | str | PathLike[str] | Mapping[str, Any] | Iterable[Any]"
"""A transcript, a file, a recogniser's parsed JSON, or its segments."""

UNDECODED = re.compile("[\udc80-\udcff]")
"""What stands for a byte that is not UTF-8."""

INLINE = "<transcript>"
"""Name of a transcript that is no file, in errors."""


def to_transcript(transcript: TranscriptLike, uri: str | None = None) -> Transcript:
    """Make a transcript of a file, of parsed JSON, or of the segments of a recogniser.

    Raises
    ------
    ArgumentError
        If it is of another type.
    FormatError
        If it cannot be read.
    """
    if isinstance(transcript, Transcript):
        return transcript
    if isinstance(transcript, str | PathLike):
        return read_transcript(transcript, uri)
    if isinstance(transcript, Mapping):
        return parse_recogniser_json(Item(dict(transcript), INLINE), uri or "audio")
    if isinstance(transcript, Iterable) and not isinstance(transcript, bytes):
        return _parse_list(list(transcript), INLINE, uri, "audio")
    raise ArgumentError(
        "`transcript` must be a Transcript, a file, a recogniser's result or its segments, got "
        f"{type(transcript).__name__}"
    )


def read_transcript(path: str | PathLike[str], uri: str | None = None) -> Transcript:
    """Read a transcript of whisper, whisperX, faster-whisper, whisper.cpp, OpenAI, CTM, STM, ....

    Parameters
    ----------
    path : path
        ``.json`` (see :mod:`diarspk.transcripts.recogniser_json`, or SegLST), ``.srt``, ``.vtt``,
        ``.ctm`` or ``.stm``; UTF-8, with or without byte order mark.
    uri : str, optional
        Name of the recording, which CTM, STM and SegLST may hold several of.

    Raises
    ------
    ArgumentError
        If the suffix is another.
    FormatError
        If there is no such file, it is not UTF-8, it is no transcript, or it does not hold the
        recording.
    """
    name = os.fsdecode(path)
    _check_suffix(name)
    return parse_transcript(_read_bytes(name), name, uri)


def parse_transcript(content: bytes, name: str, uri: str | None = None) -> Transcript:
    """Read a transcript of which the bytes are there already.

    Parameters
    ----------
    content : bytes
    name : str
        File name, whose suffix tells the format; it is named in errors.
    uri : str, optional
        See :func:`read_transcript`, whose errors it has.
    """
    suffix = _check_suffix(name)
    text = _decode(content, name)
    if suffix != ".json":
        _check_text(text, text, name)
    stem = plain_name(Path(name).name.split(".")[0] or "audio")
    uri = None if uri is None else plain_name(uri)
    if suffix in {".ctm", ".stm"}:
        stream = BytesIO(text.encode())
        stream.name = name
        recordings = (read_ctm if suffix == ".ctm" else read_stm)(stream)
        chosen = choose_recording(recordings, uri, name, hint=stem)
        return Transcript((), uri or stem) if chosen is None else chosen[1]
    if suffix == ".srt":
        return parse_srt(text, name, uri or stem)
    if suffix == ".vtt":
        return parse_vtt(text, name, uri or stem)
    found = _parse_json(text, name, uri, stem)
    # Tokens of whisper.cpp that part a character are not UTF-8; the words that they make are.
    words = [word.before + word.text + word.after for word in found.words]
    _check_text("".join(words), text, name)
    return found


def _parse_json(text: str, file: str, uri: str | None, stem: str) -> Transcript:
    if not text.strip():
        raise FormatError("is empty; JSON has a transcript at least without segments", file)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise FormatError(f"is no JSON ({error.msg}); is it cut off?", file, error.lineno) from None
    except RecursionError:
        raise FormatError("is no transcript: its JSON is nested too deeply", file) from None
    if isinstance(document, list):
        return _parse_list(document, file, uri, stem)
    return parse_recogniser_json(Item(document, file), uri or stem)


def _parse_list(values: list[Any], file: str, uri: str | None, stem: str) -> Transcript:
    """Tell SegLST from a list of segments or words."""
    items = [Item(value, file, f"[{index}]") for index, value in enumerate(values)]
    if items and isinstance(items[0].get("words"), str):
        recordings = parse_seglst(items, uri or stem)
        chosen = choose_recording(recordings, uri, file, hint=stem)
        return Transcript((), uri or stem) if chosen is None else chosen[1]
    return Transcript(parse_segments(items), uri or stem)


def _check_suffix(name: str) -> str:
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise ArgumentError(f"`path` must end in one of {', '.join(SUFFIXES)}, got {name!r}")
    return suffix


def _read_bytes(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except FileNotFoundError:
        raise FormatError("no such file; check the path", name) from None
    except OSError as error:
        raise FormatError(f"cannot be opened ({error.strerror}); check it", name) from None


def _decode(content: bytes, name: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FormatError("is UTF-16, not UTF-8; convert it (iconv -f utf-16 -t utf-8)", name)
    return content.decode("utf-8-sig", "surrogateescape")


def _check_text(part: str, text: str, name: str) -> None:
    """Refuse a part of a file's text that is no Unicode."""
    try:
        part.encode()
    except UnicodeEncodeError as error:
        undecoded = UNDECODED.search(text)
        if undecoded is None:
            half = part[error.start]
            raise FormatError(f"holds half of a character, {half!r}; write it anew", name) from None
        raise FormatError(
            "not UTF-8 text; convert the file (iconv -f latin1 -t utf-8, if it is Latin-1)",
            name,
            text.count("\n", 0, undecoded.start()) + 1,
        ) from None
