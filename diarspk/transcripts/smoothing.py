"""Smoothing of snippets: a word or two of somebody else inside a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from diarspk.arguments import check_numbers
from diarspk.transcripts.text import ends_sentence
from diarspk.transcripts.word import Word

__all__ = ["NO_SMOOTHING", "SMOOTHING", "Decision", "SnippetSmoothing"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Speaker of a word, and everybody who talks during it, most overlap first."""

    speaker: str | None
    talking: tuple[str, ...] = ()


@dataclass(frozen=True)
class SnippetSmoothing:
    """A snippet inside a sentence goes to the speaker of the sentence.

    A snippet is a run of words of another speaker, or of nobody,

    - of ``max_words`` at most that last ``max_snippet_s`` at most,
    - between words of one speaker in the same segment, with pauses of ``max_pause_s`` at most on
      both sides,
    - where neither the word before it nor one of its own words ends a sentence.

    Attributes
    ----------
    max_words : int
        0: no smoothing.
    max_snippet_s, max_pause_s : float
        Seconds.
    """

    max_words: int = 2
    max_snippet_s: float = 0.6
    max_pause_s: float = 0.3

    def __post_init__(self) -> None:
        check_numbers(self, "max_words", "max_snippet_s", "max_pause_s", minimum=0.0)

    def __call__(self, words: Sequence[Word], decisions: Sequence[Decision]) -> list[Decision]:
        """Smooth the decisions of a segment, whose words all have times."""
        smoothed = list(decisions)
        bounds = [0]
        for _, run in groupby(decisions, lambda decision: decision.speaker):
            bounds.append(bounds[-1] + sum(1 for _ in run))
        for first, last in pairwise(bounds[1:-1]):
            speaker = smoothed[first - 1].speaker  # smoothed already: a chain of snippets joins it
            if speaker is None or speaker != decisions[last].speaker:
                continue
            if self._is_snippet(words, first, last):
                for position in range(first, last):
                    smoothed[position] = replace(decisions[position], speaker=speaker)
        return smoothed

    def _is_snippet(self, words: Sequence[Word], first: int, last: int) -> bool:
        if last - first > self.max_words or any(map(ends_sentence, words[first - 1 : last])):
            return False
        before, after = _gap(words[first - 1], words[first]), _gap(words[last - 1], words[last])
        length = (words[last - 1].end or 0.0) - (words[first].start or 0.0)
        return length <= self.max_snippet_s and max(before, after) <= self.max_pause_s


def _gap(word: Word, following: Word) -> float:
    return (following.start or 0.0) - (word.end or 0.0)


SMOOTHING = SnippetSmoothing()
"""One or two words, 0.6 s at most."""

NO_SMOOTHING = SnippetSmoothing(max_words=0)
"""Every word keeps the speaker that the diarization gives it."""
