"""CTM and STM, NIST's transcripts: a word a line, and an utterance a line.

CTM: ``file channel start duration word [confidence [type speaker]]``; the last two are those of the
RT evaluations (NIST, *The 2009 RT Evaluation Plan*, appendix on system output). STM: ``file channel
speaker start end [<labels>] text``. Fields cannot hold spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

from diarspk.errors import ArgumentError
from diarspk.formats.lines import TextFile, parse_lines, parse_seconds
from diarspk.formats.names import plain_name
from diarspk.transcripts.segmenting import segment_words
from diarspk.transcripts.text import split_text
from diarspk.transcripts.transcript import Transcript, TranscriptSegment
from diarspk.transcripts.word import Word

__all__ = ["UNKNOWN", "read_ctm", "read_stm", "write_ctm", "write_stm"]

UNKNOWN = "unknown"
"""Name of nobody, in the formats of this project that need one."""

CTM_FIELDS = range(5, 9)
IGNORED = "IGNORE_TIME_SEGMENT_IN_SCORING"


def read_ctm(file: TextFile) -> dict[str, Transcript]:
    """Read the words of every recording in a CTM file, cut into segments.

    Raises
    ------
    FormatError
        With file and line, on the first line that is no CTM.
    """
    words: dict[str, list[Word]] = {}
    for uri, word in parse_lines(file, _parse_word):
        words.setdefault(uri, []).append(word)
    return {uri: Transcript(segment_words(found), uri) for uri, found in words.items()}


def _parse_word(line: str) -> tuple[str, Word]:
    fields = line.split()
    if len(fields) not in CTM_FIELDS:
        raise ValueError(
            f"a CTM line must have 5 to 8 fields, file channel start duration word [confidence "
            f"[type speaker]], got {len(fields)}"
        )
    start = parse_seconds(fields[2], "the start")
    duration = parse_seconds(fields[3], "the duration")
    named = len(fields) == 8 and fields[7].lower() not in {UNKNOWN, "<na>"}
    speaker = plain_name(fields[7]) if named else None
    confidence = _confidence(fields[5]) if len(fields) > 5 else None
    return plain_name(fields[0]), Word(
        fields[4], start, start + duration, confidence, speaker=speaker
    )


def _confidence(field: str) -> float | None:
    if field.upper() in {"NA", "<NA>", "-"}:
        return None
    return parse_seconds(field, "the confidence")


def read_stm(file: TextFile) -> dict[str, Transcript]:
    """Read the utterances of every recording in an STM file.

    Raises
    ------
    FormatError
        With file and line, on the first line that is no STM.
    """
    segments: dict[str, list[TranscriptSegment]] = {}
    for uri, segment in parse_lines(file, _parse_utterance):
        segments.setdefault(uri, []).append(segment)
    return {uri: Transcript(tuple(found), uri) for uri, found in segments.items()}


def _parse_utterance(line: str) -> tuple[str, TranscriptSegment] | None:
    fields = line.split(maxsplit=5)
    if len(fields) < 5:
        raise ValueError(
            f"an STM line must be file channel speaker start end text, got {len(fields)} fields"
        )
    start, end = parse_seconds(fields[3], "the start"), parse_seconds(fields[4], "the end")
    text = re.sub(r"^<[^>]*>\s*", "", fields[5]) if len(fields) > 5 else ""
    if text.strip().upper() == IGNORED:
        return None
    speaker = None if fields[2].lower() == UNKNOWN else plain_name(fields[2])
    words = tuple(
        Word(word.text, before=word.before or " ", speaker=speaker) for word in split_text(text)
    )
    return plain_name(fields[0]), TranscriptSegment(words, start, end)


def write_ctm(transcript: Transcript, stream: TextIO) -> None:
    """Write CTM with the speaker as eighth field; a word with a space inside makes two lines.

    Words of no text cannot be written and are left out.

    Raises
    ------
    ArgumentError
        If two speakers would get the same name.
    """
    uri, names = _one_word(transcript.uri), _names(transcript)
    for word in transcript.words:
        confidence = "NA" if word.confidence is None else f"{word.confidence:.3f}"
        speaker = names[word.speaker]
        for text, start, duration in _parts(word):
            stream.write(f"{uri} 1 {start:.3f} {duration:.3f} {text} {confidence} lex {speaker}\n")


def _parts(word: Word) -> Iterator[tuple[str, float, float]]:
    """Yield the parts of a word between spaces, each with its share of the time in seconds."""
    texts = (word.text + word.after).split()
    start, end = word.start or 0.0, word.end or 0.0
    for number, text in enumerate(texts):
        length = (end - start) / len(texts)
        yield text, start + number * length, length


def write_stm(transcript: Transcript, stream: TextIO) -> None:
    """Write STM: a line for each speaker of each segment.

    Raises
    ------
    ArgumentError
        If two speakers would get the same name.
    """
    uri, names = _one_word(transcript.uri), _names(transcript)
    for one in transcript.utterances():
        text = " ".join(one.text.split())
        stream.write(
            f"{uri} 1 {names[one.speaker]} {one.start:.3f} {one.end:.3f} {text}".rstrip() + "\n"
        )


def _names(transcript: Transcript) -> dict[str | None, str]:
    """Names as they are written, in which spaces are ``_``."""
    names: dict[str | None, str] = {name: _one_word(name) for name in transcript.speakers}
    names[None] = UNKNOWN
    if len(set(names.values())) < len(names):
        raise ArgumentError(
            "`transcript` must have speakers whose names differ when spaces become _, none of them "
            f"{UNKNOWN!r}, got {transcript.speakers}"
        )
    return names


def _one_word(name: str) -> str:
    return re.sub(r"\s+", "_", plain_name(name).strip()) or "_"
