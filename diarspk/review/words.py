"""Words of a transcript, and the turn that each belongs to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from diarspk.editing.turn import EditableTurn
from diarspk.transcripts.assignment import assign_speakers
from diarspk.transcripts.speaker_transcript import SpeakerTranscript
from diarspk.transcripts.transcript import Transcript

if TYPE_CHECKING:
    from pyannote.core import Annotation

__all__ = ["find_turns", "list_words", "with_speakers"]


def with_speakers(transcript: Transcript, annotation: Annotation) -> SpeakerTranscript:
    """Give every word the speaker that the turns give it now."""
    return assign_speakers(transcript, annotation)


def list_words(transcript: Transcript) -> list[list[Any]]:
    """List ``[text, start, end]`` of every word, the text with what stands around it."""
    return [
        [word.before + word.text + word.after, _rounded(word.start), _rounded(word.end)]
        for word in transcript.words
    ]


def find_turns(transcript: SpeakerTranscript, turns: Sequence[EditableTurn]) -> list[int | None]:
    """Find the turn of every word: of those of its speaker the one that is nearest to it.

    Returns
    -------
    list of int or None
        Number of the turn; None for words without a speaker.
    """
    places = {speaker: _Places(turns, speaker) for speaker in transcript.speakers}
    return [
        None
        if word.speaker is None
        else places[word.speaker].nearest(word.start or 0.0, word.end or word.start or 0.0)
        for word in transcript.words
    ]


class _Places:
    """Turns of one speaker by start."""

    def __init__(self, turns: Sequence[EditableTurn], speaker: str) -> None:
        self.turns = sorted((t for t in turns if t.speaker == speaker), key=lambda turn: turn.order)
        self.starts = [turn.start for turn in self.turns]
        self.reach = list(accumulate((turn.end for turn in self.turns), max))

    def nearest(self, start: float, end: float) -> int:
        """Find the turn with the most of a span, or else the one whose edge is nearest."""
        middle = (start + end) / 2
        place = bisect_right(self.starts, middle)
        if place and self.turns[place - 1].start <= start and self.turns[place - 1].end >= end:
            return self.turns[place - 1].number  # nearly always
        # A long turn may contain later ones: go back for as long as one reaches the span.
        first = max(place - 1, 0)
        while first > 0 and self.reach[first - 1] > start:
            first -= 1
        near = self.turns[first : place + 1]
        best = max(
            near,
            key=lambda turn: (
                min(turn.end, end) - max(turn.start, start),
                -turn.duration,
            ),
        )
        return best.number


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
