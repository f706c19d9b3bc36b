"""Turns with their confidence out of RTTM and of our JSON."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from diarspk.arguments import check_path
from diarspk.errors import FormatError
from diarspk.formats.lines import COMMENTS, parse_lines, split_fields
from diarspk.formats.rttm import FIELD_COUNTS, parse_turn
from diarspk.transcripts.choosing import choose_recording
from diarspk.transcripts.fields import Item

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
    try:
        document = Item(json.loads(Path(name).read_bytes().decode("utf-8-sig")), name)
    except FileNotFoundError:
        raise FormatError("no such file; check the path", name) from None
    except OSError as error:
        raise FormatError(f"cannot be opened ({error.strerror}); check it", name) from None
    except (ValueError, RecursionError):
        raise FormatError("is no JSON in UTF-8; is it cut off?", name) from None
    items = document.items("turns")
    if items is None:
        raise FormatError("is no diarization: it has no list `turns`", name)
    turns = []
    for item in items:
        start, end, speaker = item.number("start"), item.number("end"), item.speaker()
        if start is None or end is None or speaker is None:
            raise item.fault("", "must have start, end and speaker")
        turns.append(FileTurn(start, end, speaker, _confidence(item.number("confidence"))))
    recording = document.text("uri", default="") or None
    if uri is not None and recording not in (None, uri):
        raise FormatError(f"holds the recording {recording!r}, not {uri!r}; check the name", name)
    return recording or uri, turns


def _confidence(value: float | None) -> float | None:
    return value if value is not None and 0 <= value <= 1 else None
