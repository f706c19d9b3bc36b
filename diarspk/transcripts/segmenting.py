"""Segments for words that came without any, as in CTM."""

from __future__ import annotations

from collections.abc import Iterable

from diarspk.transcripts.text import ends_sentence
from diarspk.transcripts.transcript import TranscriptSegment
from diarspk.transcripts.word import Word

__all__ = ["segment_words"]

PAUSE_S = 1.0
"""Pause that ends a segment."""
MAX_CHARACTERS = 84
"""Length of a segment: two lines of a subtitle."""
MIN_SENTENCE_CHARACTERS = 42
"""Length from which the end of a sentence ends a segment."""


def segment_words(words: Iterable[Word]) -> tuple[TranscriptSegment, ...]:
    """Cut words into segments: at pauses, ends of sentences, changes of speaker, and when long."""
    segments: list[TranscriptSegment] = []
    current: list[Word] = []
    characters = 0
    for word in words:
        if current and _ends(current[-1], word, characters):
            segments.append(TranscriptSegment(tuple(current)))
            current, characters = [], 0
        current.append(word)
        characters += len(word.before + word.text + word.after)
    if current:
        segments.append(TranscriptSegment(tuple(current)))
    return tuple(segments)


def _ends(last: Word, word: Word, characters: int) -> bool:
    """Whether a segment of so many characters ends between two words."""
    if last.speaker != word.speaker or characters + len(word.text) > MAX_CHARACTERS:
        return True
    if ends_sentence(last) and characters >= MIN_SENTENCE_CHARACTERS:
        return True
    return last.end is not None and word.start is not None and word.start - last.end >= PAUSE_S
