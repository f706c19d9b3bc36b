"""Linter of RTTM and UEM files: faults, and records that tools treat differently."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Literal, TypeVar

from diarspk.arguments import check_path
from diarspk.errors import FormatError
from diarspk.formats.finding import Finding
from diarspk.formats.lines import COMMENTS, content, numbered_lines, split_fields
from diarspk.formats.lint_checks import (
    Stretch,
    check_durations,
    check_ends,
    check_fields,
    check_ids,
    check_names,
    check_order,
    check_repetition,
)
from diarspk.formats.names import plain_name
from diarspk.formats.rttm import FIELD_COUNTS, OTHER_RECORDS, parse_turn
from diarspk.formats.uem import FIELD_COUNTS as REGION_FIELDS
from diarspk.formats.uem import parse_region

__all__ = ["Finding", "check_rttm", "lint_rttm", "lint_uem"]

MANY = 3
"""So many lines that cannot be read, and none that can, are not single faults."""

Record = TypeVar("Record")


def lint_rttm(
    file: str | PathLike[str],
    *,
    durations: Mapping[str, float] | None = None,
) -> list[Finding]:
    """Find faults in an RTTM file: all of them, by line; one for a file that is something else.

    Parameters
    ----------
    file : path
    durations : mapping of str to float, optional
        Seconds of each recording, by file id: turns beyond the end are found as well.

    Raises
    ------
    FormatError
        If the file cannot be opened.
    """
    findings, _ = check_rttm(file, durations=durations)
    return findings


def check_rttm(
    file: str | PathLike[str],
    *,
    durations: Mapping[str, float] | None = None,
) -> tuple[list[Finding], list[str]]:
    """Find what :func:`lint_rttm` finds, and the file ids, in one reading of the file."""
    lines = _Lines(os.fspath(check_path(file, "file")))
    turns: list[Stretch] = []
    for number, line in lines.read("RTTM"):
        fields = split_fields(line, FIELD_COUNTS)
        if fields[0].upper() in OTHER_RECORDS:
            text = f"a record {fields[0]}: md-eval heeds it, other tools and this one skip it"
            lines.find(number, "warning", text)
            continue
        read, parsed = lines.tried(parse_turn, number, line)
        if parsed is not None:
            uri, segment, speaker = parsed
            written = (fields[1], fields[7])
            turn = Stretch(number, uri, fields[2], segment.start, segment.end, speaker, written)
            turns.append(turn)
            lines.findings += check_fields(lines.name, turn, fields)
        elif read:
            text = "the turn has no length (times were rounded?) and is skipped; remove it"
            lines.find(number, "warning", text)
    for check in (check_ids, check_names, check_repetition, check_order, check_ends):
        lines.findings += check(lines.name, turns)
    lines.findings += check_durations(lines.name, turns, durations or {}, "turn")
    return lines.sorted(), list(dict.fromkeys(turn.uri for turn in turns))


def lint_uem(
    file: str | PathLike[str],
    *,
    durations: Mapping[str, float] | None = None,
    turns_of: Sequence[str] | None = None,
) -> list[Finding]:
    """Find faults in a UEM file; see :func:`lint_rttm`.

    Parameters
    ----------
    file : path
    durations : mapping of str to float, optional
        Seconds of each recording, by file id.
    turns_of : sequence of str, optional
        File ids of the reference: those without a region are not scored.
    """
    lines = _Lines(os.fspath(check_path(file, "file")))
    regions: list[Stretch] = []
    for number, line in lines.read("UEM"):
        _, parsed = lines.tried(parse_region, number, line)
        if parsed is not None:
            uri, segment = parsed
            written, channel, *_ = split_fields(line, REGION_FIELDS)
            start, end = segment.start, segment.end
            regions.append(Stretch(number, uri, channel, start, end, written=(written,)))
    for check in (check_ids, check_names, check_repetition):
        lines.findings += check(lines.name, regions)
    lines.findings += check_durations(lines.name, regions, durations or {}, "region")
    named = {region.uri for region in regions}
    for uri in dict.fromkeys(map(plain_name, turns_of or ())):
        if uri not in named:
            text = f"has no region of `{uri}`, which will not be scored; add one"
            lines.find(None, "warning", text)
    return lines.sorted()


class _Lines:
    """Lines of one file, and what is found in them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.findings: list[Finding] = []
        self.faults: list[Finding] = []  # of lines that are no record
        self.rejected: Finding | None = None

    def find(self, line: int | None, severity: Literal["error", "warning"], message: str) -> None:
        self.findings.append(Finding(self.name, line, severity, message))

    def sorted(self) -> list[Finding]:
        if self.rejected is not None:
            return [self.rejected]
        return sorted([*self.findings, *self.faults], key=lambda finding: finding.line or 0)

    def tried(
        self, parse: Callable[[str], Record | None], number: int, line: str
    ) -> tuple[bool, Record | None]:
        """Whether a line is a record, and what it holds."""
        try:
            return True, parse(line)
        except ValueError as fault:
            self.faults.append(Finding(self.name, number, "error", str(fault)))
            return False, None

    def read(self, kind: str) -> Iterator[tuple[int, str]]:
        """Yield the lines with a record."""
        records = 0
        marked: list[int] = []
        undecoded: list[int] = []
        try:
            for number, line in numbered_lines(self.name):
                if number == 1:
                    self._check_first(line)
                if line.lstrip("\ufeff \t").startswith("#"):
                    marked.append(number)
                try:
                    text = content(line, COMMENTS)
                except ValueError:
                    undecoded.append(number)
                    continue
                if text:
                    records += 1
                    yield number, text
        except FormatError as fault:
            if fault.line is None:
                raise
            self._reject(str(fault.args[0]), fault.line)  # a sound file, say
            return
        if len(self.faults) == records > MANY:
            first = self.faults[0]
            text = f"none of its {records} lines is of {kind}; line {first.line}: {first.message}"
            self._reject(text)
            return
        if marked:
            text = "a comment that begins with #, which md-eval and this package skip but others"
            self.find(marked[0], "warning", f"{text} do not; begin it with ;;")
        if undecoded:
            more = f", nor are {len(undecoded) - 1} other lines" if undecoded[1:] else ""
            self.find(undecoded[0], "error", f"not UTF-8 text{more}; convert the file")

    def _check_first(self, line: str) -> None:
        if line.startswith("\ufeff"):
            text = "starts with a byte order mark, which md-eval takes for text; save without it"
            self.find(1, "warning", text)
        if line.endswith("\r"):
            text = "lines end in a carriage return alone, so other tools see one line; convert them"
            self.find(1, "warning", text)

    def _reject(self, text: str, line: int | None = None) -> None:
        """Leave one finding: what seems to be wrong elsewhere in such a file means nothing."""
        self.rejected = Finding(self.name, line, "error", text)
