"""Rules that give words their speakers: ours, and those of others as their sources have them.

A word without times has nobody by the rules of others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeAlias

from pyannote.core import Annotation

from diarspk.transcripts import AssignmentConfig, Transcript, Word, assign_speakers
from diarspk.transcripts.diarized_turns import SpeakerTurn, to_turns
from diarspk.transcripts.smoothing import NO_SMOOTHING

__all__ = ["RULES", "Rule"]

Rule: TypeAlias = Callable[[Transcript, Annotation], "list[str | None]"]
"""Takes a transcript and a diarization, and gives a speaker for each word, or None."""


def assign(config: AssignmentConfig) -> Rule:
    """Make a rule of :func:`diarspk.assign_speakers`."""

    def rule(transcript: Transcript, diarization: Annotation) -> list[str | None]:
        words = assign_speakers(transcript, diarization, config=config).words
        return [word.speaker for word in words]

    return rule


def by_midpoint(transcript: Transcript, diarization: Annotation) -> list[str | None]:
    """Speaker of the first turn that holds the middle of the word, else of the nearest middle."""
    turns = to_turns(diarization)

    def speaker(word: Word) -> str | None:
        if word.start is None or word.end is None:
            return None
        middle = (word.start + word.end) / 2
        inside = [turn for turn in turns if turn.start <= middle < turn.end]
        return inside[0].speaker if inside else _nearest_middle(turns, middle)

    return list(map(speaker, transcript.words))


def by_overlap(transcript: Transcript, diarization: Annotation) -> list[str | None]:
    """Speaker with the largest overlap, else nobody: whisperX's default."""
    turns = to_turns(diarization)
    return [_largest(turns, word.start, word.end) for word in transcript.words]


def by_overlap_filled(transcript: Transcript, diarization: Annotation) -> list[str | None]:
    """Speaker with the largest overlap, else of the nearest middle: whisperX's ``fill_nearest``."""
    turns = to_turns(diarization)

    def speaker(word: Word) -> str | None:
        found = _largest(turns, word.start, word.end)
        if found is None and word.start is not None and word.end is not None:
            return _nearest_middle(turns, (word.start + word.end) / 2)
        return found

    return list(map(speaker, transcript.words))


def by_segment(transcript: Transcript, diarization: Annotation) -> list[str | None]:
    """Speaker with the largest overlap with the whole segment, for all of its words."""
    turns = to_turns(diarization)
    return [
        speaker
        for segment in transcript.segments
        for speaker in [_largest(turns, segment.start, segment.end)] * len(segment.words)
    ]


def _largest(turns: Sequence[SpeakerTurn], start: float | None, end: float | None) -> str | None:
    if start is None or end is None:
        return None
    overlaps: Counter[str] = Counter()
    for turn in turns:
        overlap = min(end, turn.end) - max(start, turn.start)
        if overlap > 0:
            overlaps[turn.speaker] += overlap  # type: ignore[assignment] # seconds, not counts
    return max(overlaps, key=lambda name: overlaps[name], default=None)


def _nearest_middle(turns: Sequence[SpeakerTurn], time: float) -> str | None:
    if not turns:
        return None
    return min(turns, key=lambda turn: abs((turn.start + turn.end) / 2 - time)).speaker


RULES: dict[str, Rule] = {
    "one speaker for each segment": by_segment,
    "middle of the word": by_midpoint,
    "largest overlap, else nobody": by_overlap,
    "largest overlap, else nearest middle": by_overlap_filled,
    "diarspk": assign(AssignmentConfig()),
    "diarspk, whole words": assign(AssignmentConfig(max_word_s=60.0)),
    "diarspk, at any distance": assign(AssignmentConfig(max_distance_s=math.inf)),
    "diarspk, not smoothed": assign(AssignmentConfig(smoothing=NO_SMOOTHING)),
}
"""Rules to compare, by name."""
