"""Linter of RTTM and UEM files: faults, and records that tools treat differently."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike
from pathlib import PurePath
from typing import Literal, TypeVar
from unicodedata import normalize

from diarspk.errors import FormatError
from diarspk.formats.lines import split_fields
from diarspk.formats.rttm import FIELD_COUNTS, OTHER_RECORDS, parse_turn
from diarspk.formats.uem import parse_region

__all__ = ["Finding", "lint_rttm", "lint_uem"]

SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".opus", ".ogg", ".m4a", ".sph", ".rttm"})
MAX_OVERRUN_S = 0.5
"""Tolerance in seconds for turns that end after the recording: references round up."""

Record = TypeVar("Record")


@dataclass(frozen=True)
class Finding:
    """One fault.

    Attributes
    ----------
    file : str
    line : int or None
        One-based; None where the fault is the file's.
    severity : {"error", "warning"}
        An error cannot be read, or is surely wrong; a warning means that tools differ.
    message : str
        The fault, and the remedy.
    """

    file: str
    line: int | None
    severity: Literal["error", "warning"]
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.severity}: {self.message}"


@dataclass(frozen=True)
class _Stretch:
    """Turn or region of one line."""

    line: int
    uri: str
    channel: str
    start: float
    end: float
    speaker: str = ""


def lint_rttm(
    file: str | PathLike[str],
    *,
    durations: Mapping[str, float] | None = None,
) -> list[Finding]:
    """Find faults in an RTTM file: all of them, by line.

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
    name = os.fspath(file)
    findings: list[Finding] = []
    turns: list[_Stretch] = []
    for number, line in _lines(name, findings):
        fields = split_fields(line, FIELD_COUNTS)
        if fields[0].upper() in OTHER_RECORDS:
            findings.append(_other_record(name, number, fields[0]))
            continue
        if not (parsed := _tried(parse_turn, line, name, number, findings)):
            if not _has_error(findings, number):
                text = "the turn has no length (times were rounded?) and is skipped; remove it"
                findings.append(Finding(name, number, "warning", text))
            continue
        uri, segment, speaker = parsed
        turn = _Stretch(number, uri, fields[2], segment.start, segment.end, speaker)
        turns.append(turn)
        findings += _check_fields(name, turn, fields)
    findings += _check_ids(name, turns)
    findings += _check_repetition(name, turns)
    findings += _check_order(name, turns)
    findings += _check_ends(name, turns)
    findings += _check_durations(name, turns, durations or {}, "turn")
    return sorted(findings, key=lambda finding: finding.line or 0)


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
    name = os.fspath(file)
    findings: list[Finding] = []
    regions: list[_Stretch] = []
    for number, line in _lines(name, findings):
        if parsed := _tried(parse_region, line, name, number, findings):
            uri, segment = parsed
            channel = split_fields(line, range(4, 5))[1]
            regions.append(_Stretch(number, uri, channel, segment.start, segment.end))
    findings += _check_ids(name, regions)
    findings += _check_repetition(name, regions)
    findings += _check_durations(name, regions, durations or {}, "region")
    named = {region.uri for region in regions}
    for uri in dict.fromkeys(turns_of or ()):
        if uri not in named:
            text = f"has no region of `{uri}`, which will not be scored; add one"
            findings.append(Finding(name, None, "warning", text))
    return sorted(findings, key=lambda finding: finding.line or 0)


def _lines(name: str, findings: list[Finding]) -> Iterator[tuple[int, str]]:
    """Yield the lines with a record; faults of the encoding go to the findings."""
    try:
        with open(name, "rb") as stream:
            raw = stream.read()
    except OSError as error:
        raise FormatError(f"cannot be opened ({error.strerror}); check it", name) from None
    if raw.startswith(b"\xef\xbb\xbf"):
        text = "starts with a byte order mark, which md-eval takes for text; save without it"
        findings.append(Finding(name, 1, "warning", text))
    for number, line in enumerate(raw.splitlines(), 1):
        try:
            text = line.decode().strip("\ufeff \t\r\n")
        except UnicodeDecodeError:
            text = "not UTF-8 text; convert the file"
            findings.append(Finding(name, number, "error", text))
            continue
        if text and not text.startswith(";;"):
            yield number, text


def _tried(
    parse: Callable[[str], Record | None],
    line: str,
    name: str,
    number: int,
    findings: list[Finding],
) -> Record | None:
    try:
        return parse(line)
    except ValueError as fault:
        findings.append(Finding(name, number, "error", str(fault)))
        return None


def _has_error(findings: Sequence[Finding], number: int) -> bool:
    return bool(findings) and findings[-1].line == number and findings[-1].severity == "error"


def _other_record(name: str, number: int, kind: str) -> Finding:
    text = f"a record {kind}: md-eval heeds it, other tools and this one skip it"
    return Finding(name, number, "warning", text)


def _check_fields(name: str, turn: _Stretch, fields: Sequence[str]) -> Iterator[Finding]:
    if len(fields) < 9:
        text = f"{len(fields)} fields; some tools want 9 or 10, ending in `<NA> <NA>`"
        yield Finding(name, turn.line, "warning", text)
    if " " in turn.uri or " " in turn.speaker:
        text = "a name with a space, which most tools split; put _ instead"
        yield Finding(name, turn.line, "warning", text)
    if turn.speaker.upper() in ("<NA>", "NA"):
        yield Finding(name, turn.line, "error", "the turn has no speaker; name one")


def _check_ids(name: str, stretches: Sequence[_Stretch]) -> Iterator[Finding]:
    """Find file ids that tools would not match with the same recording elsewhere, once each."""
    channels = defaultdict(set)
    for stretch in stretches:
        channels[stretch.uri].add(stretch.channel)
    first = {stretch.uri: stretch.line for stretch in reversed(stretches)}
    for uri, used in channels.items():
        line = first[uri]
        if PurePath(uri).suffix.lower() in SUFFIXES or "/" in uri or "\\" in uri:
            text = f"the file id `{uri}` is a file name; ids have neither folder nor suffix"
            yield Finding(name, line, "warning", text)
        if normalize("NFC", uri) != uri:
            text = f"the file id `{uri}` has decomposed accents, so it differs from the same name"
            yield Finding(name, line, "warning", f"{text} composed; normalise it (NFC)")
        if len(used) > 1:
            listed = ", ".join(sorted(used))
            text = f"`{uri}` has channels {listed}; tools that tell them apart score each alone"
            yield Finding(name, line, "warning", text)
        elif used == {"0"}:
            text = f"`{uri}` is on channel 0; most files have 1, and md-eval matches channels"
            yield Finding(name, line, "warning", text)


def _check_repetition(name: str, stretches: Sequence[_Stretch]) -> Iterator[Finding]:
    """Find turns of one speaker, or regions of one file, that share time."""
    groups = defaultdict(list)
    for stretch in stretches:
        groups[stretch.uri, stretch.channel, stretch.speaker].append(stretch)
    for (_, _, speaker), members in groups.items():
        longest: _Stretch | None = None
        for one in sorted(members, key=lambda stretch: (stretch.start, stretch.end)):
            if longest is not None and one.start < longest.end - 1e-9:
                who = f"of `{speaker}` " if speaker else ""
                same = (one.start, one.end) == (longest.start, longest.end)
                how = "repeats" if same else "overlaps with"
                text = f"{who}{how} line {longest.line}; tools count it once or twice: join them"
                yield Finding(name, one.line, "warning", text)
            if longest is None or one.end > longest.end:
                longest = one


def _check_order(name: str, turns: Sequence[_Stretch]) -> Iterator[Finding]:
    latest: dict[str, float] = {}
    for turn in turns:
        if turn.start < latest.get(turn.uri, 0.0):
            text = "starts before the line above it; some tools need turns in order of time"
            yield Finding(name, turn.line, "warning", f"{text}: sort them")
            return
        latest[turn.uri] = turn.start


def _check_ends(name: str, turns: Sequence[_Stretch]) -> Iterator[Finding]:
    """Find files whose durations are probably ends: all of them exceed the starts, and rise."""
    by_file = defaultdict(list)
    for turn in turns:
        by_file[turn.uri].append(turn)
    for uri, members in by_file.items():
        written = [turn.end - turn.start for turn in members]
        rising = all(one <= other + 1e-9 for one, other in pairwise(written))
        if (
            len(members) >= 5
            and rising
            and all(length > turn.start for length, turn in zip(written, members, strict=True))
        ):
            text = f"the fifth field of `{uri}` looks like the end of each turn; it is its duration"
            yield Finding(name, members[0].line, "error", text)


def _check_durations(
    name: str, stretches: Sequence[_Stretch], durations: Mapping[str, float], what: str
) -> Iterator[Finding]:
    for stretch in stretches:
        duration = durations.get(stretch.uri)
        if duration is not None and stretch.end > duration + MAX_OVERRUN_S:
            text = f"the {what} ends at {stretch.end:.3f} s, the recording at {duration:.3f} s"
            yield Finding(name, stretch.line, "error", f"{text}; check which one is meant")
