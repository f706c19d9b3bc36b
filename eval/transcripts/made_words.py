"""Words made from the turns of a reference by a seeded rule, with faults of real aligners.

Real transcripts with word times that may be passed on are rare. The assignment of speakers depends
on times alone, so words are laid end to end into the turns of the reference, and their times are
disturbed as recognisers and aligners disturb them. Left out: words that a recogniser drops in
overlap, inserts or mistakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from pyannote.core import Annotation, Segment

from diarspk.transcripts import Transcript, TranscriptSegment, Word

__all__ = ["MadeWords", "make_words"]

VOCABULARY = 1000


@dataclass(frozen=True)
class MadeWords:
    """Settings of the rule.

    Attributes
    ----------
    median_s, spread : float
        Median length of a word, and the standard deviation of its logarithm.
    jitter_s : float
        Standard deviation of the error of a start and of an end.
    stretched : float
        Share of the last words of turns whose end is stretched over the pause that follows, by 0.5
        to ``max_stretch_s`` seconds.
    max_stretch_s : float
    untimed : float
        Share of words without times, as whisperX leaves them at figures and symbols.
    pause_s, max_segment_s : float
        A recogniser's segment ends at a pause of this length, whoever talks, or when it is so long.
    """

    median_s: float = 0.25
    spread: float = 0.45
    jitter_s: float = 0.06
    stretched: float = 0.1
    max_stretch_s: float = 4.0
    untimed: float = 0.02
    pause_s: float = 0.5
    max_segment_s: float = 12.0


def make_words(reference: Annotation, rule: MadeWords, seed: int) -> tuple[Transcript, Transcript]:
    """Make the words of a recording: what was said by whom, and what a recogniser gives of it.

    Returns
    -------
    spoken, recognised : Transcript
        The same words in the same order: with exact times, speakers, and who else talks meanwhile
        as alternatives; and with disturbed times and nobody.
    """
    generator = np.random.default_rng([seed, *reference.uri.encode()])
    laid = sorted(_speak(reference, rule, generator), key=lambda one: one[0].start or 0.0)
    disturbed = [_disturb(word, last, rule, generator) for word, last in laid]
    spoken = [_list_others(word, reference) for word, _ in laid]
    heads = _segment_starts(spoken, rule)
    return (
        Transcript(_segments(spoken, heads), reference.uri),
        Transcript(_segments(disturbed, heads), reference.uri),
    )


def _list_others(word: Word, reference: Annotation) -> Word:
    assert word.start is not None
    assert word.end is not None
    talking = reference.crop(Segment(word.start, word.end)).labels()
    return replace(word, alternatives=tuple(sorted({*map(str, talking)} - {str(word.speaker)})))


def _speak(
    reference: Annotation, rule: MadeWords, generator: np.random.Generator
) -> list[tuple[Word, bool]]:
    """Lay words into each turn; with each, whether it is the turn's last."""
    words: list[tuple[Word, bool]] = []
    for segment, _, label in reference.itertracks(yield_label=True):
        position, lengths = 0.0, []
        while position < segment.duration:
            lengths.append(rule.median_s * np.exp(rule.spread * generator.standard_normal()))
            position += lengths[-1]
        edges = segment.start + np.cumsum([0.0, *lengths]) * segment.duration / position
        for number, (start, end) in enumerate(pairwise(edges), 1):
            text = f"w{generator.integers(VOCABULARY):03}"
            word = Word(text, float(start), float(end), speaker=str(label))
            words.append((word, number == len(lengths)))
    return words


def _segment_starts(words: Sequence[Word], rule: MadeWords) -> list[int]:
    """Find the words that begin a segment of the recogniser."""
    heads, begin, latest = [0] if words else [], 0.0, 0.0
    for number, word in enumerate(words):
        start, end = word.start or 0.0, word.end or 0.0
        if number and (start - latest >= rule.pause_s or end - begin > rule.max_segment_s):
            heads.append(number)
        if heads[-1] == number:
            begin = start
        latest = max(latest, end)
    return heads


def _disturb(word: Word, last: bool, rule: MadeWords, generator: np.random.Generator) -> Word:
    """Disturb the times of a word, and forget who said it."""
    offsets = rule.jitter_s * generator.standard_normal(2)
    stretch, chance = generator.uniform(0.5, rule.max_stretch_s), generator.uniform(size=2)
    if chance[0] < rule.untimed:
        return replace(word, start=None, end=None, speaker=None)
    start = max((word.start or 0.0) + offsets[0], 0.0)
    end = max((word.end or 0.0) + offsets[1], start + 0.02)
    if last and chance[1] < rule.stretched:
        end += stretch
    return replace(word, start=float(start), end=float(end), speaker=None)


def _segments(words: Sequence[Word], heads: Sequence[int]) -> tuple[TranscriptSegment, ...]:
    ends = [*heads[1:], len(words)]
    segments = []
    for first, last in zip(heads, ends, strict=True):
        part = tuple(words[first:last])
        starts = [word.start for word in part if word.start is not None]
        finishes = [word.end for word in part if word.end is not None]
        segments.append(
            TranscriptSegment(part, min(starts, default=None), max(finishes, default=None))
        )
    return tuple(segments)
