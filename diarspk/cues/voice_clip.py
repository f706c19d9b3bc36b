"""Voice clip: some seconds of one speaker alone, with its words and with how good it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_numbers
from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError
from diarspk.transcripts.text import join_words
from diarspk.transcripts.word import Word

__all__ = ["ClipConfig", "ClipScore", "VoiceClip"]

LONG_ENOUGH_S = 6.0
"""Length from which a clip is long enough for every synthesizer that we know."""

CLEAN_DB = (5.0, 30.0)
"""Ratios of speech to background in dB: of no use, and clean."""

LEVEL_DB = (-60.0, -30.0)
"""Levels of speech in dB of full scale: lost in the steps of 16 bits, and loud enough."""

CLIPPED = 0.0005
"""Share of samples at full scale that halves the score."""

PAUSES = 0.2
"""Share of pauses that fluent speech has."""

FAR_S = 0.5
"""Seconds to other speakers from which on their voices cannot reach into a clip."""

NEAR = 0.8
"""Factor of a clip whose edge touches another speaker's turn."""

CUT_SENTENCE = 0.9
"""Factor for each end of a clip that is inside of a sentence."""


@dataclass(frozen=True)
class ClipConfig:
    """Settings of the choice of clips.

    Attributes
    ----------
    min_s, max_s : float
        Length of a clip in seconds.
    max_pause_s : float
        Pauses of the speaker up to so many seconds may lie inside of a clip.
    margin_s : float
        Distance in seconds to where somebody else talks: edges of turns are inexact by so much.
    """

    min_s: float = 3.0
    max_s: float = 10.0
    max_pause_s: float = 0.8
    margin_s: float = 0.1

    def __post_init__(self) -> None:
        check_numbers(self, "min_s", "max_s", above=0.0)
        check_numbers(self, "max_pause_s", "margin_s", minimum=0.0)
        if self.min_s > self.max_s:
            raise ArgumentError(
                f"`min_s` must be at most `max_s`, {self.max_s:g}, got {self.min_s:g}"
            )


@dataclass(frozen=True)
class ClipScore:
    """Measures of a clip.

    Attributes
    ----------
    length_s : float
    ratio_db : float
        Ratio of speech to background in dB.
    level_db : float
        Level of the speech in dB of full scale.
    clipped : float
        Share of samples at full scale, in [0, 1].
    pauses : float
        Share of the clip that is no speech, in [0, 1].
    distance_s : float or None
        Seconds to where somebody else talks; None where nobody does.
    cut_sentences : int or None
        How many of its ends are inside of a sentence, 0 to 2; None without words.
    similarity : float or None
        Cosine of its embedding with the mean of all clean speech of the speaker: low where the
        diarization is wrong. None without an encoder.
    """

    length_s: float
    ratio_db: float
    level_db: float
    clipped: float
    pauses: float
    distance_s: float | None = None
    cut_sentences: int | None = None
    similarity: float | None = None

    @property
    def factors(self) -> dict[str, float]:
        """What each measure contributes, in [0, 1]."""
        far = 1.0 if self.distance_s is None else min(self.distance_s / FAR_S, 1.0)
        return {
            "length": min(self.length_s / LONG_ENOUGH_S, 1.0),
            "cleanness": _ramp(self.ratio_db, *CLEAN_DB),
            "level": _ramp(self.level_db, *LEVEL_DB),
            "clipping": 1 / (1 + self.clipped / CLIPPED),
            "fluency": min(1.0, (1 - self.pauses) / (1 - PAUSES)),
            "distance": NEAR + (1 - NEAR) * far,
            "sentences": CUT_SENTENCE ** (self.cut_sentences or 0),
            "voice": 1.0 if self.similarity is None else max(self.similarity, 0.0),
        }

    @property
    def value(self) -> float:
        """Product of the factors, in [0, 1]; the best clip has the highest."""
        return float(np.prod(list(self.factors.values())))


@dataclass(frozen=True, eq=False)
class VoiceClip:
    """Some seconds of one speaker alone.

    Attributes
    ----------
    speaker, recording : str
        Label of the speaker, and name of the recording.
    start, end : float
        Where the clip lies in the recording, in seconds.
    samples : ndarray of float32, ``(time,)``
        Mono, unchanged otherwise.
    sample_rate : int
        That of the recording in Hz.
    score : ClipScore
    words : tuple of Word
        What is said in it; empty without a transcript.
    vector : ndarray of float32, ``(dim,)``, or None
        Mean of all clean speech of the speaker, a unit vector; None without an encoder.
    space : Space or None
        Embedding space of the vector.
    """

    speaker: str
    recording: str
    start: float
    end: float
    samples: NDArray[np.float32]
    sample_rate: int
    score: ClipScore
    words: tuple[Word, ...] = ()
    vector: NDArray[np.float32] | None = None
    space: Space | None = None

    def __repr__(self) -> str:
        place = f"{self.start:.2f} to {self.end:.2f} s of {self.recording}"
        return f"VoiceClip({self.speaker}, {place}, score {self.score.value:.2f})"

    @property
    def text(self) -> str:
        """What is said in it, without white space at its ends."""
        return join_words(self.words)


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))
