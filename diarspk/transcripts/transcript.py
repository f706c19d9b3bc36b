"""A transcript: segments of words, and the utterances of its speakers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from diarspk.transcripts.text import join_words
from diarspk.transcripts.word import Word

__all__ = ["Transcript", "TranscriptSegment", "Utterance"]


@dataclass(frozen=True)
class TranscriptSegment:
    """Words that a recogniser gives together: about a sentence, or a subtitle.

    Attributes
    ----------
    words : tuple of Word
    start, end : float or None
        Seconds, where the recogniser says them.
    """

    words: tuple[Word, ...]
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class Utterance:
    """Words of one speaker in a row, within a segment.

    Attributes
    ----------
    speaker : str or None
    words : tuple of Word
        One at least.
    """

    speaker: str | None
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """Text, without white space at its ends."""
        return join_words(self.words)

    @property
    def start(self) -> float:
        """Start of the first word in seconds; 0 where no times are known."""
        return min((word.start for word in self.words if word.start is not None), default=0.0)

    @property
    def end(self) -> float:
        """End of the last word in seconds; 0 where no times are known."""
        return max((word.end for word in self.words if word.end is not None), default=0.0)


@dataclass(frozen=True)
class Transcript:
    """What was said.

    Attributes
    ----------
    segments : tuple of TranscriptSegment
    uri : str
        Name of the recording.
    language : str or None
        Code of the language, where the recogniser tells it.
    """

    segments: tuple[TranscriptSegment, ...]
    uri: str = "audio"
    language: str | None = None

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """All words, in the order of the transcript."""
        return tuple(word for segment in self.segments for word in segment.words)

    @property
    def speakers(self) -> list[str]:
        """Names of those who say a word, in the order of their first one."""
        return list(dict.fromkeys(word.speaker for word in self.words if word.speaker is not None))

    @property
    def text(self) -> str:
        """The whole text, segments joined by a space."""
        return " ".join(join_words(segment.words) for segment in self.segments)

    def utterances(self) -> Iterator[Utterance]:
        """Yield what each speaker says within a segment, in order."""
        for segment in self.segments:
            for speaker, words in groupby(segment.words, lambda word: word.speaker):
                yield Utterance(speaker, tuple(words))

    def paragraphs(self) -> Iterator[tuple[str | None, list[Utterance]]]:
        """Yield each speaker in a row with the utterances until another one talks."""
        for speaker, utterances in groupby(self.utterances(), lambda one: one.speaker):
            yield speaker, list(utterances)
