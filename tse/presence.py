"""Whether an extracted voice is that of the enrolled speaker, by speaker embeddings.

An extractor gives out what is most like the enrolment, so where the enrolled speaker does not talk
it often gives out somebody else. The embedding of its output tells: it is less like that of the
enrolment then. But all voices of one telephone line, or one microphone, are like each other. So the
cosine is compared with those of a cohort of other speakers (adaptive symmetric normalization,
:mod:`diarspk.verification.score_normalization`), of whom the most similar ones count: by telephone,
those who talk by telephone.

No score tells two voices apart that are as similar as one of them is to itself on another day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["MIN_SCORE", "MIN_SIMILARITY", "SURE_SCORE", "Presence"]

MIN_SCORE = 1.6
"""Score below which the enrolled voice was probably not there."""

SURE_SCORE = 2.1
"""Score below which the enrolled voice may not have been there."""

SOLO_DB = -12.0
"""Level of what was taken away from a mixture, below which nothing was separated."""

SOLO_SCORE, SOLO_SIMILARITY = 5.5, 0.68
"""Score and cosine by telephone, below both of which a voice that was not separated from anything
may be somebody else's: an embedding that no separation has hurt is mostly above one of them."""

MIN_SIMILARITY = 0.25
"""Cosine below which the voice was probably not there, where there is no score."""


@dataclass(frozen=True)
class Presence:
    """Similarity of an extracted voice to its enrolment.

    Attributes
    ----------
    similarity : float
        Cosine of the most similar stretch; NaN for silence.
    score : float
        The same normalized: standard deviations above the most similar other speakers. NaN for
        silence, where the encoder has no cohort, and where only one of the two came by telephone:
        those who are most similar to the one say nothing of the other.
    rest_db : float
        Level of what was taken away from the mixture, relative to the mixture; NaN if unknown.
    by_telephone : tuple of bool, optional
        Whether the enrolment, and whether the voice, came by telephone, by its embedding.
    """

    similarity: float
    score: float = math.nan
    rest_db: float = math.nan
    by_telephone: tuple[bool, bool] | None = None

    @property
    def doubt(self) -> str | None:
        """What speaks against the enrolled voice, in one sentence; None if nothing does."""
        absent = "the enrolled voice was probably not there; what was extracted"
        if math.isnan(self.similarity):
            return f"{absent} is silent"
        measured = f"has a cosine of {self.similarity:.2f} to it"
        if math.isnan(self.score):
            return self._doubt_by_cosine(absent, measured)
        scored = f"{measured} and a score of {self.score:.1f}, where"
        usual = f"{scored} {SURE_SCORE:g} or more is usual"
        if self.score < MIN_SCORE:
            return f"{absent} {usual}, and may be somebody else"
        if self.score < SURE_SCORE:
            return f"the enrolled voice may not be there; what was extracted {usual}"
        if self._is_doubtful_alone:
            return (
                "nothing was taken away, as if the enrolled voice talked alone, but it may be a "
                f"similar one: it {scored} a voice alone mostly has {SOLO_SIMILARITY:g} or "
                f"{SOLO_SCORE:g} and more"
            )
        return None

    def _doubt_by_cosine(self, absent: str, measured: str) -> str | None:
        if self.similarity >= MIN_SIMILARITY:
            return None
        usual = f"{measured}, where {MIN_SIMILARITY:g} or more is usual"
        if self.by_telephone is None:
            return f"{absent} {usual}, and may be somebody else"
        return (
            f"the enrolled voice may not be there; what was extracted {usual}; only one of the two "
            "came by telephone, so enroll by a recording like this one to be surer"
        )

    @property
    def _is_doubtful_alone(self) -> bool:
        alone = self.rest_db < SOLO_DB and self.by_telephone == (True, True)
        return alone and self.score < SOLO_SCORE and self.similarity < SOLO_SIMILARITY
