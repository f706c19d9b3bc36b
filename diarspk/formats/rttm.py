"""RTTM: NIST's Rich Transcription Time Marked records, one turn a line.

``SPEAKER file channel start duration <NA> <NA> name confidence <NA>``; older files lack the last
field, and times are in seconds. Source: NIST, *The 2009 RT Evaluation Plan*, appendix A.
"""

from __future__ import annotations

import re
from typing import TextIO

from pyannote.core import Annotation, Segment

from diarspk.errors import ArgumentError
from diarspk.formats.lines import COMMENTS, TextFile, parse_lines, parse_seconds, split_fields
from diarspk.formats.names import plain_name
from diarspk.formats.turns import Confidence, check_annotation, rounded_turns

__all__ = ["parse_turn", "read_rttm", "write_rttm"]

FIELD_COUNTS = range(8, 11)
ABSENT = "<NA>"
OTHER_RECORDS = frozenset(
    {"SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER"}
    | {"EDIT", "SU", "IP", "CB", "A/P", "SPKR-INFO"}
)


def read_rttm(file: TextFile) -> dict[str, Annotation]:
    """Read the turns of every recording in an RTTM file.

    Records other than SPEAKER and turns of zero length (a rounded one) are skipped; channels are
    not told apart. Names with spaces are read where tabs separate the fields; accents are composed
    (NFC), so that one name in two writings is one recording or speaker.

    Parameters
    ----------
    file : path or file object

    Returns
    -------
    dict of str to pyannote.core.Annotation
        By file id, in the order of the file; ``uri`` is the file id.

    Raises
    ------
    FormatError
        With file and line, on the first line that is no RTTM.
    """
    annotations: dict[str, Annotation] = {}
    for track, (uri, segment, speaker) in enumerate(
        parse_lines(file, parse_turn, comments=COMMENTS)
    ):
        annotation = annotations.setdefault(uri, Annotation(uri=uri))
        annotation[segment, track] = speaker
    return annotations


def write_rttm(
    annotation: Annotation, stream: TextIO, *, confidence: Confidence | None = None
) -> None:
    """Write one line for each turn, with milliseconds.

    Spaces in names become ``_``, and accents are composed (NFC).

    Raises
    ------
    ArgumentError
        If two speakers would get the same name.
    """
    try:
        stream.write("")
    except (AttributeError, TypeError):
        raise ArgumentError(
            f"`stream` must be open for text, got {type(stream).__name__}"
        ) from None
    labels = check_annotation(annotation, "annotation").labels()
    if len({_one_word(label) for label in labels}) < len(labels):
        raise ArgumentError(
            "`annotation` must have names that differ when spaces become _ and accents are "
            f"composed, got {labels}"
        )
    uri = _one_word(annotation.uri or "audio")
    for turn in rounded_turns(annotation, confidence):
        duration = (turn.end_ms - turn.start_ms) / 1000
        sure = ABSENT if turn.confidence is None else f"{turn.confidence:.3f}"
        stream.write(
            f"SPEAKER {uri} 1 {turn.start:.3f} {duration:.3f} {ABSENT} {ABSENT} "
            f"{_one_word(turn.speaker)} {sure} {ABSENT}\n"
        )


def parse_turn(line: str) -> tuple[str, Segment, str] | None:
    """Parse one line to file id, turn and speaker; None for other records and empty turns.

    Raises
    ------
    ValueError
        With the fault and its remedy.
    """
    fields = split_fields(line, FIELD_COUNTS)
    if fields[0].upper() in OTHER_RECORDS:
        return None
    if fields[0].upper() != "SPEAKER":
        raise ValueError(f"a record must be SPEAKER or another of RTTM, got {fields[0][:40]!r}")
    if len(fields) not in FIELD_COUNTS:
        raise ValueError(
            f"a SPEAKER record must have 9 or 10 fields, got {len(fields)}; names with spaces "
            "need tabs between the fields"
        )
    if not all(_is_absent_or_number(field) for field in fields[8:]):
        raise ValueError(
            f"the fields after the name must be {ABSENT} or numbers, got {' '.join(fields[8:])!r}; "
            "names with spaces need tabs between the fields"
        )
    start = parse_seconds(fields[3], "the start")
    duration = parse_seconds(fields[4], "the duration")
    segment = Segment(start, start + duration)
    return (plain_name(fields[1]), segment, plain_name(fields[7])) if segment else None


def _is_absent_or_number(field: str) -> bool:
    return field.upper() in (ABSENT, "NA", "N/A", "-") or bool(
        re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|nan", field, re.IGNORECASE)
    )


def _one_word(name: object) -> str:
    return re.sub(r"\s+", "_", plain_name(name)) or "_"
