"""Whether an extracted voice is that of the enrolled speaker, by speaker embeddings.

An extractor gives out what is most like the enrolment, so where the enrolled speaker does not talk
it often gives out somebody else. The embedding of its output tells: the cosine to that of the
enrolment is lower then.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.encoders.base import SpeakerEncoder
from tse.cues import Cue

__all__ = ["MIN_SIMILARITY", "PresenceMeter"]

Samples = NDArray[np.float32]

MIN_SIMILARITY = 0.25
"""Similarity below which the enrolled voice is taken for absent.

On mixtures of development speakers (``python -m eval.extraction.presence --mixtures 50``), 3 % of
the outputs with the enrolled speaker are below it, and 89 % of those without.
"""

BLOCK_S = 4.0
"""Seconds of an output that are embedded together: the length of the mixtures of that command."""

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
        self._best, self._loudest = math.nan, 0.0
        self._waiting = np.zeros(0, np.float32)

    @classmethod
    def for_cue(cls, encoder: SpeakerEncoder | None, cue: Cue) -> PresenceMeter | None:
        """Make the meter of a cue; None if it holds no embedding of the encoder."""
        if encoder is None or cue.vector is None or cue.vector.shape[1] != encoder.dimension:
            return None
        return cls(encoder, cue.vector[0].numpy())

    def push(self, voice: Samples) -> None:
        """Take in the next ``(time,)`` at 16 kHz."""
        length = round(BLOCK_S * SAMPLE_RATE)
        self._waiting = np.concatenate([self._waiting, voice])
        while len(self._waiting) >= length:
            self._measure(self._waiting[:length])
            self._waiting = self._waiting[length:]

    def finish(self) -> float:
        """Similarity of the whole voice; NaN if there was no sound at all."""
        if len(self._waiting) >= MIN_BLOCK_S * SAMPLE_RATE or math.isnan(self._best):
            self._measure(self._waiting)
        return self._best

    def _measure(self, voice: Samples) -> None:
        peak = float(np.abs(voice).max(initial=0.0))
        self._loudest = max(self._loudest, peak)
        if peak > SILENCE * self._loudest:
            vector = self.encoder.embed(np.ascontiguousarray(voice), SAMPLE_RATE)
            self._best = float(np.fmax(self._best, vector @ self.vector))
