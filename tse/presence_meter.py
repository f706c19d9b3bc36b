"""Measurement of presence while a voice is extracted: its most similar stretch to the enrolment."""

from __future__ import annotations

import math
import warnings
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import ArgumentError, SpeechWarning
from diarspk.verification.cohort import load_cohort
from tse.cohort_scores import normalized_scores
from tse.cues import Cue
from tse.presence import Presence

__all__ = ["PresenceMeter", "compare_voice", "warn_of_absence"]

Samples = NDArray[np.float32]

BLOCK_S = 4.0
"""Seconds of an output that are embedded together: the length of the mixtures that the scores were
chosen on (``python -m eval.extraction.presence``)."""

MIN_BLOCK_S = 1.0
"""Length below which the rest of an output is not embedded on its own."""

SILENCE = 1e-4
"""Peak of a stretch relative to the loudest so far, below which it holds no voice."""


class PresenceMeter:
    """Similarity of an extracted voice to its enrolment: that of its most similar stretch.

    Parameters
    ----------
    encoder
        Speaker encoder of the cue.
    vector
        Unit vector ``(dim,)`` of the enrolment.
    """

    def __init__(self, encoder: SpeakerEncoder, vector: Samples) -> None:
        self.encoder, self.vector = encoder, vector
        self._cohort = load_cohort(encoder.fingerprint)
        self._best, self._loudest = Presence(math.nan), 0.0
        self._waiting: Samples = np.zeros(0, np.float32)
        self._mixture: Samples = np.zeros(0, np.float32)  # of what is waiting
        self._energy, self._rest = 0.0, 0.0

    @classmethod
    def for_cue(cls, encoder: SpeakerEncoder | None, cue: Cue) -> PresenceMeter | None:
        """Make the meter of a cue; None if it holds no embedding of the encoder."""
        if encoder is None or cue.vector is None or cue.vector.shape[1] != encoder.dimension:
            return None
        return cls(encoder, cue.vector[0].numpy())

    def push(self, voice: Samples, mixture: Samples | None = None) -> None:
        """Take in the next ``(time,)`` at 16 kHz, and what it was extracted from, if known."""
        length = round(BLOCK_S * SAMPLE_RATE)
        self._waiting = np.concatenate([self._waiting, voice])
        if mixture is not None:
            self._mixture = np.concatenate([self._mixture, mixture])
        while len(self._waiting) >= length:
            self._measure(self._take(length))

    def finish(self) -> Presence:
        """Similarity of the whole voice."""
        rest = self._take(len(self._waiting))
        if len(rest) >= MIN_BLOCK_S * SAMPLE_RATE or math.isnan(self._best.similarity):
            self._measure(rest)
        rest_db = math.nan
        if self._energy > 0:
            rest_db = 10 * math.log10(max(self._rest / self._energy, 1e-12))
        return replace(self._best, rest_db=rest_db)

    def _take(self, length: int) -> Samples:
        """Take the first samples that wait, and measure what was taken away from their mixture.

        All at once, so that pushes of any lengths give the same sums.
        """
        voice, self._waiting = np.split(self._waiting, [length])
        mixture, self._mixture = np.split(self._mixture, [length])
        if len(mixture):
            self._energy += float(np.sum(np.square(mixture, dtype=np.float64)))
            self._rest += float(np.sum(np.square(mixture - voice, dtype=np.float64)))
        return voice

    def so_far(self) -> Presence:
        """Similarity of what was taken in; the meter may go on."""
        return copy(self).finish()

    def state(self) -> dict[str, Any]:
        """Return what a meter of the same encoder and enrolment goes on from."""
        best = self._best
        return {
            "best": np.array([best.similarity, best.score]),
            "by_telephone": best.by_telephone,
            "levels": np.array([self._loudest, self._energy, self._rest]),
            "waiting": self._waiting,
            "mixture": self._mixture,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        found = state["by_telephone"]
        by_telephone = None if found is None else (bool(found[0]), bool(found[1]))
        similarity, score = state["best"].tolist()
        self._best = Presence(similarity, score, by_telephone=by_telephone)
        self._loudest, self._energy, self._rest = state["levels"].tolist()
        self._waiting, self._mixture = state["waiting"], state["mixture"]

    def _measure(self, voice: Samples) -> None:
        peak = float(np.abs(voice).max(initial=0.0))
        self._loudest = max(self._loudest, peak)
        if peak <= SILENCE * self._loudest:
            return
        vector = self.encoder.embed(np.ascontiguousarray(voice), SAMPLE_RATE)
        similarity = float(vector @ self.vector)
        if similarity > self._best.similarity or math.isnan(self._best.similarity):
            self._best = self._compare(vector, similarity)

    def _compare(self, vector: Samples, similarity: float) -> Presence:
        """Normalize the cosine of a stretch where the cohort has voices of its channel."""
        cohort = self._cohort
        if cohort is None:
            return Presence(similarity)
        by_telephone = cohort.is_telephone(self.vector), cohort.is_telephone(vector)
        if by_telephone[0] != by_telephone[1]:
            return Presence(similarity, by_telephone=by_telephone)
        (score,) = normalized_scores(self.vector, vector[None], cohort)
        return Presence(similarity, float(score), by_telephone=by_telephone)


def compare_voice(
    encoder: SpeakerEncoder | None, cue: Cue, voice: Samples, mixture: Samples | None = None
) -> Presence:
    """Compare a whole voice ``(time,)`` at 16 kHz with its cue; see :class:`PresenceMeter`.

    Raises
    ------
    ArgumentError
        If the cue holds no embedding of the encoder, or the mixture is of another length.
    """
    meter = PresenceMeter.for_cue(encoder, cue)
    if meter is None:
        raise ArgumentError("`cue` must hold an embedding to compare with, got none")
    if mixture is not None and len(mixture) != len(voice):
        raise ArgumentError(
            f"`mixture` must be as long as the voice, {len(voice)} samples at 16 kHz, got "
            f"{len(mixture)}"
        )
    meter.push(voice, mixture)
    return meter.finish()


def warn_of_absence(meter: PresenceMeter | None, name: str) -> None:
    """Warn of a voice called ``name`` that is hardly like its enrolment."""
    doubt = None if meter is None else meter.finish().doubt
    if doubt is not None:
        warnings.warn(f"{name}: {doubt}", SpeechWarning, stacklevel=3)
