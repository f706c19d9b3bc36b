"""Turns with their confidence out of RTTM and of our JSON."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import NamedTuple

from diarspk.arguments import check_path
from diarspk.errors import FormatError
from diarspk.formats.lines import COMMENTS, parse_lines, split_fields
from diarspk.formats.rttm import FIELD_COUNTS, parse_turn
from diarspk.transcripts.choosing import choose_recording
from diarspk.transcripts.diarization_json import read_turn_items

__all__ = ["FileTurn", "read_turns"]


class FileTurn(NamedTuple):
    """Turn as a file has it, in seconds."""

    start: float
    end: float
    speaker: str
    confidence: float | None


def read_turns(
    path: str | PathLike[str], uri: str | None = None
) -> tuple[str | None, list[FileTurn]]:
    """Read the name of a recording and its turns; other numbers than 0 to 1 are no confidence.

    Parameters
    ----------
    path : path
        JSON as :meth:`diarspk.Diarization.write` makes it, if it ends in .json; otherwise RTTM.
    uri : str, optional
        Name of the recording, of which an RTTM file may hold several.

    Raises
    ------
    FormatError
        If the file cannot be read, or does not say which of its recordings.
    """
    name = str(check_path(path, "diarization"))
    if Path(name).suffix.lower() == ".json":
        return _read_json(name, uri)
    recordings: dict[str, list[FileTurn]] = {}
    for recording, turn in parse_lines(name, _parse_rttm, comments=COMMENTS):
        recordings.setdefault(recording, []).append(turn)
    if not recordings:  # of a silent recording
        return uri, []
    return choose_recording(recordings, uri, name) or (uri, [])


def _parse_rttm(line: str) -> tuple[str, FileTurn] | None:
    parsed = parse_turn(line)
    if parsed is None:
        return None
    recording, segment, speaker = parsed
    sure = split_fields(line, FIELD_COUNTS)[8]
    try:
        confidence = float(sure)
    except ValueError:  # <NA> and the like
        confidence = None
    return recording, FileTurn(segment.start, segment.end, speaker, _confidence(confidence))


def _read_json(name: str, uri: str | None) -> tuple[str | None, list[FileTurn]]:
    """Read ``{"uri", "turns": [{"start", "end", "speaker", "confidence"}]}``."""
    document, items = read_turn_items(name)
    turns = [
        FileTurn(start, end, speaker, _confidence(item.number("confidence")))
        for start, end, speaker, item in items
    ]
    recording = document.text("uri", default="") or None
    if uri is not None and recording not in (None, uri):
        raise FormatError(f"holds the recording {recording!r}, not {uri!r}; check the name", name)
    return recording or uri, turns


def _confidence(value: float | None) -> float | None:
    return value if value is not None and 0 <= value <= 1 else None
