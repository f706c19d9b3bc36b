"""UEM: NIST's Un-partitioned Evaluation Map, the regions to score: ``file channel start end``."""

from __future__ import annotations

from pyannote.core import Segment, Timeline

from diarspk.formats.lines import COMMENTS, TextFile, parse_lines, parse_seconds, split_fields
from diarspk.formats.names import plain_name

__all__ = ["parse_region", "read_uem"]

FIELD_COUNTS = range(4, 5)


def read_uem(file: TextFile) -> dict[str, Timeline]:
    """Read the regions of every recording in a UEM file.

    Parameters
    ----------
    file : path or file object

    Returns
    -------
    dict of str to pyannote.core.Timeline
        By file id, in the order of the file; regions that touch or overlap (those of several
        channels, say) are joined.

    Raises
    ------
    FormatError
        With file and line, on the first line that is no UEM.
    """
    segments: dict[str, list[Segment]] = {}
    for uri, segment in parse_lines(file, parse_region, comments=COMMENTS):
        segments.setdefault(uri, []).append(segment)
    return {uri: Timeline(regions, uri=uri).support() for uri, regions in segments.items()}


def parse_region(line: str) -> tuple[str, Segment]:
    """Parse one line to file id and region.

    Raises
    ------
    ValueError
        With the fault.
    """
    fields = split_fields(line, FIELD_COUNTS)
    if len(fields) not in FIELD_COUNTS:
        raise ValueError(f"a region must have 4 fields, file channel start end, got {len(fields)}")
    start, end = parse_seconds(fields[2], "the start"), parse_seconds(fields[3], "the end")
    if not end > start:
        raise ValueError(f"the end must be after the start, {fields[2]}, got {fields[3]}")
    return plain_name(fields[0]), Segment(start, end)
