"""Quality of enrolments: what each recording or stretch of a speaker weighs, and what is wrong.

Several enrolments of one speaker are not worth the same. One weighs by how much speech it has, how
far the speech is above the noise, how well its embedding agrees with those of the others, and how
sure it is that nobody else talks in it. One that is far less like the others than they are among
themselves is of another person, or spoilt, and weighs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.profile import build_profile
from diarspk.features.speech_quality import SpeechQuality, measure_speech

__all__ = ["EnrolmentQuality", "rate_enrolments"]

Samples = NDArray[np.float32]

ENOUGH_S = 10.0
"""Seconds of speech from which more of it weighs no more."""

CLEAN_RATIO_DB = 20.0
"""Ratio of speech to background from which less background weighs no more."""

MIN_FACTOR = 0.05
"""What speech, noise or agreement take away at most: a poor enrolment is better than none."""

MIN_AGREEMENT = 0.25
"""Cosine of two enrolments below which they are probably of two people."""


@dataclass(frozen=True)
class EnrolmentQuality:
    """Quality of one of the enrolments of a speaker.

    Attributes
    ----------
    speech_s : float
        Seconds of speech.
    ratio_db : float
        Level of the speech above the background; NaN if unknown.
    agreement : float
        Cosine of its embedding with the mean of the others; NaN if there is no other, or no
        encoder to embed with.
    rival : float
        Cosine of its embedding with the most similar other speaker of the recording; NaN if none is
        known.
    purity : float
        Probability that nobody but the speaker talks, by a diarization; 1 without one.
    is_outlier : bool
        Whether it is far less like the others than they are among themselves.
    """

    speech_s: float
    ratio_db: float = math.nan
    agreement: float = math.nan
    rival: float = math.nan
    purity: float = 1.0
    is_outlier: bool = False

    @property
    def is_of_another(self) -> bool:
        """Whether it is less like the speaker's other enrolments than like another speaker."""
        return self.agreement < self.rival

    @property
    def weight(self) -> float:
        """Weight among the enrolments of the speaker, in [0, 1]; 0 if it is of somebody else."""
        if self.is_outlier or self.is_of_another:
            return 0.0
        factors = (
            self.speech_s / ENOUGH_S,
            1.0 if math.isnan(self.ratio_db) else self.ratio_db / CLEAN_RATIO_DB,
            1.0 if math.isnan(self.agreement) else self.agreement,
            self.purity,
        )
        return math.prod(min(max(factor, MIN_FACTOR), 1.0) for factor in factors)

    @property
    def doubts(self) -> list[str]:
        """What makes it less fit, each with a remedy."""
        found = []
        if self.is_outlier:
            found.append(
                f"does not sound like the other enrolments (cosine {self.agreement:.2f}), and is "
                "left out; see whether it is of the same person"
            )
        elif self.agreement < MIN_AGREEMENT:
            found.append(
                f"hardly sounds like the other enrolment (cosine {self.agreement:.2f}); see "
                "whether both are of the same person"
            )
        found += SpeechQuality(self.speech_s, self.ratio_db).doubts
        return found


def rate_enrolments(
    waveforms: Sequence[Samples],
    vectors: NDArray[np.float32] | None = None,
    *,
    measures: Sequence[SpeechQuality] | None = None,
    purities: Sequence[float] | None = None,
    rivals: NDArray[np.float32] | None = None,
) -> list[EnrolmentQuality]:
    """Rate the enrolments of one speaker.

    Parameters
    ----------
    waveforms
        One or more, ``(time,)`` at 16 kHz each.
    vectors : ndarray, ``(n, dim)``
        Their embeddings, by which they are compared. Default: they are not.
    measures
        Speech and background of each, where they are known better than by its own frames.
    purities
        Probability of each that nobody else talks. Default: 1.
    rivals : ndarray, ``(speakers, dim)``
        Unit vectors of other speakers of the recording.
    """
    measures = measures or [measure_speech(one) for one in waveforms]
    agreement = rival = [math.nan] * len(waveforms)
    outliers: tuple[int, ...] = ()
    if vectors is not None and len(vectors) > 1:
        profile = build_profile(vectors)
        agreement, outliers = profile.similarities.tolist(), profile.outliers
    if vectors is not None and rivals is not None and len(rivals):
        rival = (vectors @ rivals.T).max(axis=1).tolist()
    return [
        EnrolmentQuality(
            speech_s=measured.speech_s,
            ratio_db=measured.ratio_db,
            agreement=agreement[number],
            rival=rival[number],
            purity=1.0 if purities is None else purities[number],
            is_outlier=number in outliers,
        )
        for number, measured in enumerate(measures)
    ]
