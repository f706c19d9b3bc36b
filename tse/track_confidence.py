"""Confidence, second by second, that an extracted track has the right voice.

Each second of a track is embedded with its surroundings, and compared with the enrolment of its
speaker and with those of the other speakers of the recording: an extractor that errs gives out one
of them. Logistic regression makes a probability of both cosines and of the seconds that were
embedded; it was fitted on simulated conversations whose parts are known
(``python -m eval.extraction.meetings --simulate DATA --write``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.checkpoints.assets import asset_folder
from diarspk.encoders.base import SpeakerEncoder
from diarspk.verification.calibration import ScoreCalibration, probability
from tse.gating import Gate

__all__ = [
    "LOG_SECONDS",
    "RIVAL",
    "ConfidenceMeter",
    "TrackScores",
    "load_confidence_calibration",
]

Samples = NDArray[np.float32]
Figures = NDArray[np.float64]
Span = tuple[float, float]

RIVAL, LOG_SECONDS = "cosine of the most similar other speaker", "log seconds"
"""Quality measures of the calibration."""

SURROUNDINGS_S = 0.5
"""Seconds before and after a second that are embedded with it, where the gate is open there."""

MIN_SPAN_S = 0.2
"""Seconds of an open gate below which there is too little to be judged."""

BLOCK_S = 15
"""Seconds of a track that are judged together, whatever the blocks that it comes in."""

SILENCE = 1e-3
"""Peak of a second relative to the loudest one below which the track is silent there."""


@dataclass(frozen=True, eq=False)
class TrackScores:
    """What a track is judged by, every second; NaN where it is silent or the gate is shut.

    Attributes
    ----------
    own, rival : ndarray of float64, ``(seconds,)``
        Cosine with the enrolment of the speaker, and with that of the most similar other one (0
        where there is no other).
    log_seconds : ndarray of float64, ``(seconds,)``
        Logarithm of the seconds that were embedded.
    """

    own: Figures
    rival: Figures
    log_seconds: Figures

    def probabilities(self, calibration: ScoreCalibration) -> Figures:
        """Probability of the right voice, ``(seconds,)``; NaN as the scores."""
        judged = np.isfinite(self.own)
        found = np.full(len(self.own), math.nan)
        if judged.any():
            quality = {RIVAL: self.rival[judged], LOG_SECONDS: self.log_seconds[judged]}
            found[judged] = probability(
                calibration.log_likelihood_ratios(self.own[judged], quality)
            )
        return found


class ConfidenceMeter:
    """Compares a track with enrolments, second by second, while it is extracted.

    Parameters
    ----------
    encoder
        Speaker encoder of the vectors.
    vector : ndarray, ``(dim,)``
        Unit vector of the speaker of the track.
    rivals : ndarray, ``(speakers, dim)``
        Unit vectors of the other speakers.
    gate
        When the track is open. Default: always.
    """

    def __init__(
        self,
        encoder: SpeakerEncoder,
        vector: Samples,
        rivals: Samples,
        gate: Gate | None = None,
    ) -> None:
        self.encoder, self.vector, self.rivals, self.gate = encoder, vector, rivals, gate
        self._waiting = np.zeros(0, np.float32)
        self._begin = 0  # second of the first waiting sample
        self._next = 0  # second that is judged next
        self._rows: list[tuple[float, float, float, float]] = []

    def push(self, voice: Samples) -> None:
        """Take in the next ``(time,)`` at 16 kHz, as it was extracted."""
        self._waiting = np.concatenate([self._waiting, voice])
        while len(self._waiting) >= (self._next + BLOCK_S + 1 - self._begin) * SAMPLE_RATE:
            self._judge(self._next + BLOCK_S)
            kept = self._next - 1 - self._begin
            self._waiting = self._waiting[kept * SAMPLE_RATE :]
            self._begin += kept

    def finish(self) -> TrackScores:
        """Scores of the whole track, the last of what is left of a second."""
        end = self._begin + len(self._waiting) / SAMPLE_RATE
        self._judge(math.ceil(end))
        rows = np.array(self._rows, np.float64).reshape(-1, 4)
        peaks = rows[:, 3]
        silent = ~(peaks > SILENCE * np.nanmax(peaks, initial=0.0))
        rows[silent] = math.nan
        return TrackScores(rows[:, 0], rows[:, 1], rows[:, 2])

    def _judge(self, end: int) -> None:
        """Judge the seconds up to ``end``, each by the voice around it."""
        # No more than a second beyond, so that blocks of any length give the same.
        here = self._waiting[: (end + 1 - self._begin) * SAMPLE_RATE]
        spans = [self._span(second, len(here)) for second in range(self._next, end)]
        known = [span for span in spans if span is not None]
        vectors = iter(self._embed(here, known))
        for span in spans:
            if span is None:
                self._rows.append((math.nan,) * 4)
                continue
            vector = next(vectors)
            rival = float((self.rivals @ vector).max()) if len(self.rivals) else 0.0
            length = math.log(span[1] - span[0])
            self._rows.append((float(self.vector @ vector), rival, length, self._peak(here, span)))
        self._next = end

    def _span(self, second: int, samples: int) -> Span | None:
        """Stretch around a second in which the gate is open, in seconds; None if it is not."""
        end = self._begin + samples / SAMPLE_RATE
        whole = max(second - SURROUNDINGS_S, self._begin), min(second + 1 + SURROUNDINGS_S, end)
        runs = [whole] if self.gate is None else self.gate.open_between(*whole)
        inside = [
            (min(last, second + 1, end) - max(first, second), first, last) for first, last in runs
        ]
        length, first, last = max(inside, default=(0.0, 0.0, 0.0))
        return (first, last) if length >= MIN_SPAN_S else None

    def _embed(self, voice: Samples, spans: Sequence[Span]) -> Samples:
        if not spans:
            return np.zeros((0, len(self.vector)), np.float32)
        inside = [(first - self._begin, last - self._begin) for first, last in spans]
        return self.encoder.embed(voice, SAMPLE_RATE, inside)

    def _peak(self, voice: Samples, span: Span) -> float:
        first, last = (round((time - self._begin) * SAMPLE_RATE) for time in span)
        return float(np.abs(voice[first:last]).max(initial=0.0))


def load_confidence_calibration(fingerprint: str) -> ScoreCalibration | None:
    """Load the calibration of an embedding space; None where there is none."""
    path = asset_folder("tse") / "confidence" / f"{fingerprint}.json"
    return ScoreCalibration.read(path) if path.is_file() else None
