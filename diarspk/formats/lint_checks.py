"""Checks of what is written in an RTTM or UEM file: records that tools treat differently."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath

from diarspk.formats.finding import Finding
from diarspk.formats.names import plain_name

__all__ = [
    "Stretch",
    "check_durations",
    "check_ends",
    "check_fields",
    "check_ids",
    "check_names",
    "check_order",
    "check_repetition",
]

SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".opus", ".ogg", ".m4a", ".sph", ".rttm"})
MAX_OVERRUN_S = 0.5
"""Tolerance in seconds for turns that end after the recording: references round up."""


@dataclass(frozen=True)
class Stretch:
    """Turn or region of one line; file id and speaker as :func:`plain_name` has them."""

    line: int
    uri: str
    channel: str
    start: float
    end: float
    speaker: str = ""
    written: tuple[str, ...] = ()
    """Names as the line has them."""


def check_fields(name: str, turn: Stretch, fields: Sequence[str]) -> Iterator[Finding]:
    """Find missing fields and names that tools read differently, in one turn."""
    if len(fields) < 9:
        text = f"{len(fields)} fields; some tools want 9 or 10, ending in `<NA> <NA>`"
        yield Finding(name, turn.line, "warning", text)
    if " " in turn.uri or " " in turn.speaker:
        text = "a name with a space, which most tools split; put _ instead"
        yield Finding(name, turn.line, "warning", text)
    if turn.speaker.upper() in ("<NA>", "NA"):
        yield Finding(name, turn.line, "error", "the turn has no speaker; name one")


def check_ids(name: str, stretches: Sequence[Stretch]) -> Iterator[Finding]:
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
        if len(used) > 1:
            listed = ", ".join(sorted(used))
            text = f"`{uri}` has channels {listed}; tools that tell them apart score each alone"
            yield Finding(name, line, "warning", text)
        elif used == {"0"}:
            text = f"`{uri}` is on channel 0; most files have 1, and md-eval matches channels"
            yield Finding(name, line, "warning", text)


def check_names(name: str, stretches: Sequence[Stretch]) -> Iterator[Finding]:
    """Find names with decomposed accents, once each."""
    seen: set[str] = set()
    for stretch in stretches:
        for written in stretch.written:
            if written not in seen and plain_name(written) != written:
                text = f"the name `{written}` has decomposed accents; other tools than this one"
                text = f"{text} tell it from the same name composed: normalise it (NFC)"
                yield Finding(name, stretch.line, "warning", text)
            seen.add(written)


def check_repetition(name: str, stretches: Sequence[Stretch]) -> Iterator[Finding]:
    """Find turns of one speaker, or regions of one file, that share time."""
    groups = defaultdict(list)
    for stretch in stretches:
        groups[stretch.uri, stretch.channel, stretch.speaker].append(stretch)
    for (_, _, speaker), members in groups.items():
        longest: Stretch | None = None
        for one in sorted(members, key=lambda stretch: (stretch.start, stretch.end)):
            if longest is not None and one.start < longest.end - 1e-9:
                who = f"of `{speaker}` " if speaker else ""
                same = (one.start, one.end) == (longest.start, longest.end)
                how = "repeats" if same else "overlaps with"
                text = f"{who}{how} line {longest.line}; tools count it once or twice: join them"
                yield Finding(name, one.line, "warning", text)
            if longest is None or one.end > longest.end:
                longest = one


def check_order(name: str, turns: Sequence[Stretch]) -> Iterator[Finding]:
    """Find the first turn that starts before the one above it."""
    latest: dict[str, float] = {}
    for turn in turns:
        if turn.start < latest.get(turn.uri, 0.0):
            text = "starts before the line above it; some tools need turns in order of time"
            yield Finding(name, turn.line, "warning", f"{text}: sort them")
            return
        latest[turn.uri] = turn.start


def check_ends(name: str, turns: Sequence[Stretch]) -> Iterator[Finding]:
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


def check_durations(
    name: str, stretches: Sequence[Stretch], durations: Mapping[str, float], what: str
) -> Iterator[Finding]:
    """Find what ends after its recording, whose duration in seconds is given by file id."""
    known = {plain_name(uri): seconds for uri, seconds in durations.items()}
    for stretch in stretches:
        duration = known.get(stretch.uri)
        if duration is not None and stretch.end > duration + MAX_OVERRUN_S:
            text = f"the {what} ends at {stretch.end:.3f} s, the recording at {duration:.3f} s"
            yield Finding(name, stretch.line, "error", f"{text}; check which one is meant")
