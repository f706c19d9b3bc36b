"""A word of a transcript, with its times and its speaker."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Word"]


@dataclass(frozen=True, slots=True)
class Word:
    """A word as the recogniser gave it; its text is never changed.

    Attributes
    ----------
    text : str
        To the byte as it was read, with white space at its ends where the recogniser put it there.
    start, end : float or None
        Seconds; None where they are unknown.
    confidence : float or None
        Probability that the recogniser gave it.
    before, after : str
        What stands before and after it in the transcript and belongs to no word: white space, and
        punctuation where the recogniser lists words without it. A segment's text is ``before +
        text + after`` of all its words.
    speaker : str or None
        Name of the speaker; None if nobody is known to have said it.
    alternatives : tuple of str
        Others who talk during the word, most overlap first.
    estimated : bool
        Whether the times are estimated from neighbouring words or from the segment.
    """

    text: str
    start: float | None = None
    end: float | None = None
    confidence: float | None = None
    before: str = " "
    after: str = ""
    speaker: str | None = None
    alternatives: tuple[str, ...] = ()
    estimated: bool = False
