"""What a gallery gives back."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Candidate", "Identification", "Match", "Person"]


@dataclass(frozen=True)
class Person:
    """An enrolled speaker: how many references, seconds of audio where known, last enrolment."""

    speaker: str
    references: int
    seconds: float
    enrolled_at: str


@dataclass(frozen=True)
class Match:
    """One stored reference and its cosine with what was searched."""

    entry: int
    speaker: str
    source: str
    score: float


@dataclass(frozen=True)
class Candidate:
    """A speaker as the answer.

    Attributes
    ----------
    score : float
        Cosine with the mean of the speaker's references.
    probability : float or None
        That it is this speaker; None where the gallery has no calibration.
    """

    speaker: str
    score: float
    probability: float | None


@dataclass(frozen=True)
class Identification:
    """Who it is, out of everybody enrolled and nobody of them.

    Attributes
    ----------
    speaker : str or None
        None for "unknown".
    unknown : float or None
        Probability that it is nobody enrolled; None without a calibration.
    candidates : tuple of Candidate
        The likeliest, best first.
    """

    speaker: str | None
    unknown: float | None
    candidates: tuple[Candidate, ...]
