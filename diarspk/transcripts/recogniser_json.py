"""JSON of recognisers: whisper, whisperX, faster-whisper, whisper.cpp and OpenAI.

======================  ====================================================================
whisper, whisperX       ``{"segments": [{"start", "end", "text", "words": [{"word", "start",
                        "end", "probability" or "score"}]}], "language"}``; no words without
                        ``word_timestamps``
faster-whisper          a list of such segments, or its own objects
OpenAI ``verbose_json`` the same, with all words in one list at the top, without punctuation
OpenAI                  ``{"segments": [{"type", "id", "start", "end", "text", "speaker"}]}``
``diarized_json``
whisper.cpp             ``{"transcription": [{"offsets": {"from", "to"}, "text", "tokens"}]}``,
                        in milliseconds
podcast namespace       ``{"segments": [{"startTime", "endTime", "body", "speaker"}]}``
======================  ====================================================================

A segment's words without times are those of its text; see :mod:`diarspk.transcripts.times`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from diarspk.transcripts.fields import Item
from diarspk.transcripts.segmenting import segment_words
from diarspk.transcripts.text import place_words, split_text
from diarspk.transcripts.transcript import Transcript, TranscriptSegment
from diarspk.transcripts.word import Word

__all__ = ["parse_recogniser_json", "parse_segments"]

SPECIAL = "[_"
"""Beginning of whisper.cpp's tokens that are no text, such as ``[_BEG_]``."""


def parse_recogniser_json(document: Item, uri: str) -> Transcript:
    """Make a transcript of a recogniser's JSON document.

    Raises
    ------
    FormatError
        If it is none of those, a field is of the wrong type, or there is text without any time.
    """
    language = document.get("language")
    language = language if isinstance(language, str) else None
    if (transcription := document.items("transcription")) is not None:
        return Transcript(tuple(map(_whisper_cpp_segment, transcription)), uri, language)
    segments, words = document.items("segments"), document.items("words")
    if segments is not None:
        if words and not any(segment.get("words") for segment in segments):
            return Transcript(_divide(words, segments), uri, language)
        return Transcript(parse_segments(segments), uri, language)
    if words is not None:
        return Transcript(_cut(words, document.text("text", default="")), uri, language)
    if document.get("text") is not None:
        raise document.fault(
            "", "has text without times; recognise again with times (verbose_json at OpenAI)"
        )
    raise document.fault(
        "", "is no transcript: it has none of `segments`, `words` and `transcription`"
    )


def parse_segments(segments: Iterable[Item]) -> tuple[TranscriptSegment, ...]:
    """Make segments of a recogniser's list of them, or of a list of words."""
    segments = list(segments)
    if segments and all(one.get("word") is not None for one in segments):
        return segment_words(map(_word, segments))
    return tuple(map(_segment, segments))


def _segment(item: Item) -> TranscriptSegment:
    start = item.number("start", "startTime", "start_time")
    end = item.number("end", "endTime", "end_time")
    words = item.items("words")
    text = item.text("text", "body", default="" if words else None)
    found = _placed(text, [_word(word) for word in words]) if words else split_text(text)
    speaker = item.speaker()
    if speaker is not None:
        found = [word if word.speaker else replace(word, speaker=speaker) for word in found]
    return TranscriptSegment(tuple(found), start, end)


def _word(item: Item) -> Word:
    return Word(
        item.text("word", "text"),
        item.number("start"),
        item.number("end"),
        item.number("score", "probability", "confidence"),
        speaker=item.speaker(),
    )


def _placed(text: str, words: Sequence[Word]) -> list[Word]:
    """Give words what stands before and after them in the text of their segment."""
    around = place_words(text, [word.text for word in words])
    return [
        replace(word, before=before, after=after)
        for word, (before, after) in zip(words, around, strict=True)
    ]


def _cut(items: Sequence[Item], text: str) -> tuple[TranscriptSegment, ...]:
    return segment_words(_placed(text, [_word(item) for item in items]))


def _divide(items: Sequence[Item], segments: Sequence[Item]) -> tuple[TranscriptSegment, ...]:
    """Divide a list of words among segments by their texts.

    Where the words are not those of the texts, segments are cut anew.
    """
    texts = [segment.text("text") for segment in segments]
    words = [_word(item) for item in items]
    placed = _placed("\n".join(texts), words)
    if (
        "".join(word.before + word.text + word.after for word in placed)
        != "\n".join(texts).rstrip()
    ):
        return segment_words(placed)
    divided: list[TranscriptSegment] = []
    position = length = read = 0
    for segment, text in zip(segments, texts, strict=True):
        read += len(text) + 1
        first = position
        while position < len(placed) and length + len(placed[position].before) < read:
            word = placed[position]
            length += len(word.before + word.text + word.after)
            position += 1
        start, end = segment.number("start"), segment.number("end")
        divided.append(TranscriptSegment(tuple(placed[first:position]), start, end))
    return tuple(divided)


def _whisper_cpp_segment(item: Item) -> TranscriptSegment:
    text = item.text("text")
    words = _join_tokens(item.items("tokens") or [])
    if "".join(word.text for word in words) != text:  # tokens are missing, or cut in a character
        words = split_text(text)
    speaker = item.speaker()
    start, end = _offsets(item)
    return TranscriptSegment(tuple(replace(word, speaker=speaker) for word in words), start, end)


def _join_tokens(tokens: Iterable[Item]) -> list[Word]:
    """Join whisper.cpp's tokens to words: one begins where a token begins with a space."""
    words: list[Word] = []
    for token in tokens:
        text = token.text("text")
        if text.startswith(SPECIAL):
            continue
        start, end = _offsets(token)
        probability = token.number("p")
        if words and not text.startswith(" "):
            last = words[-1]
            words[-1] = replace(
                last,
                text=last.text + text,
                end=end,
                confidence=_least(last.confidence, probability),
            )
        else:
            words.append(Word(text, start, end, probability, before=""))
    return [replace(word, text=_decode_again(word.text)) for word in words]


def _decode_again(text: str) -> str:
    """Make whole the characters whose bytes were in several tokens, and could not be decoded."""
    with suppress(UnicodeEncodeError):
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    return text


def _offsets(item: Item) -> tuple[float | None, float | None]:
    """Start and end in seconds of an object with ``offsets`` in milliseconds."""
    if item.get("offsets") is None:
        return None, None
    offsets = Item(item.get("offsets"), item.file, f"{item.place}.offsets")
    start, end = offsets.number("from"), offsets.number("to")
    return (None if start is None else start / 1000), (None if end is None else end / 1000)


def _least(first: float | None, second: float | None) -> float | None:
    known = [one for one in (first, second) if one is not None]
    return min(known) if known else None
