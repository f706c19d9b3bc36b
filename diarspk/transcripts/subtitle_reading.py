"""SubRip (SRT) and WebVTT subtitles as transcripts: a segment for each cue.

SRT text stays as it is. In WebVTT, ``<v Name>`` says who speaks, ``<00:00:01.000>`` when the next
word begins; other tags are dropped and entities decoded (W3C, *WebVTT*, section 4.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape

from diarspk.errors import FormatError
from diarspk.transcripts.text import split_text
from diarspk.transcripts.transcript import Transcript, TranscriptSegment
from diarspk.transcripts.word import Word

__all__ = ["parse_srt", "parse_vtt"]

ARROW = "-->"
CLOCK = re.compile(r"(?:(\d{1,6}):)?(\d{1,2}):(\d{1,2})(?:[,.](\d{1,3}))?")
TAG = re.compile(r"<([^<>]*)>")


@dataclass(frozen=True)
class _Cue:
    start: float
    end: float
    text: str


def parse_srt(text: str, file: str, uri: str) -> Transcript:
    """Make a transcript of SRT.

    Raises
    ------
    FormatError
        With the line of a faulty time, or if there is text without any cue.
    """
    return _transcript(text, file, uri, lambda cue: split_text(cue.text))


def parse_vtt(text: str, file: str, uri: str) -> Transcript:
    """Make a transcript of WebVTT.

    Raises
    ------
    FormatError
        With the line of a faulty time, or if the header is missing.
    """
    if text.strip() and not text.startswith("WEBVTT"):
        raise FormatError("must begin with WEBVTT; is it another format?", file, 1)
    body = text if ARROW in text else ""
    return _transcript(body, file, uri, _parse_cue)


def _transcript(text: str, file: str, uri: str, parse: Callable[[_Cue], list[Word]]) -> Transcript:
    cues = list(_cues(text, file))
    if text.strip() and not cues:
        raise FormatError(f"has no cue: no line with times, `00:00:01,000 {ARROW} ...`", file)
    return Transcript(
        tuple(TranscriptSegment(tuple(parse(cue)), cue.start, cue.end) for cue in cues), uri
    )


def _cues(text: str, file: str) -> Iterator[_Cue]:
    """Yield every cue: a line of times, and the lines up to the next blank one."""
    lines = re.split(r"\r\n|\n|\r", text)
    number = 0
    while number < len(lines):
        number += 1
        if ARROW not in lines[number - 1]:
            continue
        start, end = _times(lines[number - 1], file, number)
        first = number
        while number < len(lines) and lines[number].strip():
            number += 1
        yield _Cue(start, end, "\n".join(lines[first:number]))


def _times(line: str, file: str, number: int) -> tuple[float, float]:
    start, _, end = line.partition(ARROW)
    end = (end.split() or [""])[0]  # settings of WebVTT may follow
    times = [CLOCK.fullmatch(part.strip()) for part in (start, end)]
    if times[0] is None or times[1] is None:
        raise FormatError(
            f"times must be 00:00:01.000 {ARROW} 00:00:02.000, got {line[:80]!r}", file, number
        )
    return _seconds(times[0]), _seconds(times[1])


def _seconds(clock: re.Match[str]) -> float:
    hours, minutes, seconds, fraction = clock.groups()
    milliseconds = int((fraction or "0").ljust(3, "0"))
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + milliseconds / 1000


def _parse_cue(cue: _Cue) -> list[Word]:
    """Words of a WebVTT cue with the speakers and times that its tags give."""
    words: list[Word] = []
    speaker: str | None = None
    start: float | None = None
    space = ""  # at the end of the piece before
    for position, piece in enumerate(TAG.split(cue.text)):
        if position % 2 == 0:
            text = space + unescape(piece)
            space = text[len(text.rstrip()) :]
            for word in split_text(text):
                words.append(Word(word.text, start, before=word.before, speaker=speaker))
                start = None
        elif (clock := CLOCK.fullmatch(piece)) is not None:
            start = _seconds(clock)
        elif (voice := re.fullmatch(r"v(?:\.\S*)?\s+(.*)", piece, re.DOTALL)) is not None:
            speaker = unescape(" ".join(voice[1].split()))
        elif piece == "/v":
            speaker = None
    return words
