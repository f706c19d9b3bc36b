"""Renaming of the speakers of an RTTM file, of which all else stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from diarspk.errors import ArgumentError
from diarspk.formats.lines import COMMENTS, TextFile, numbered_lines, split_fields
from diarspk.formats.names import plain_name
from diarspk.formats.rttm import FIELD_COUNTS

__all__ = ["renamed_rttm"]

NAMED = ("SPEAKER", "SPKR-INFO")
FILE, NAME = 1, 7
"""Fields of a record: recording and speaker."""


def renamed_rttm(file: TextFile, names: Mapping[tuple[str, str], str]) -> Iterator[str]:
    r"""Yield the lines of an RTTM file with other names of speakers.

    Comments, times, channels, confidences and other records stay as they are; so does a name that
    has no new one.

    Parameters
    ----------
    file : path or file object
    names : mapping of (str, str) to str
        New name by file id and speaker, both as :func:`diarspk.formats.read_rttm` gives them.

    Raises
    ------
    ArgumentError
        If a new name is not one word.
    FormatError
        If the file cannot be read.

    Examples
    --------
    >>> import io
    >>> file = io.StringIO("SPEAKER a 1 0.5 2.0 <NA> <NA> SPEAKER_00 0.912 <NA>\n")
    >>> print(*renamed_rttm(file, {("a", "SPEAKER_00"): "PERSON_07"}), end="")
    SPEAKER a 1 0.5 2.0 <NA> <NA> PERSON_07 0.912 <NA>
    """
    for name in names.values():
        if not name or re.search(r"\s", name):
            raise ArgumentError(f"`names` must be one word each, as in RTTM, got {name!r}")
    for _, line in numbered_lines(file):
        text = line.strip("\ufeff \t\r\n")
        fields = [] if text.startswith(COMMENTS) else split_fields(text, FIELD_COUNTS)
        if len(fields) > NAME and fields[0].upper() in NAMED:
            key = plain_name(fields[FILE]), plain_name(fields[NAME])
            if key in names:
                fields[NAME] = names[key]
                # Fields stay apart as they were: with tabs, other names may hold spaces.
                text = ("\t" if "\t" in text else " ").join(fields)
        yield f"{text}\n"
