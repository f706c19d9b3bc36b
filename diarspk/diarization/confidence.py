"""Calibrated per-turn confidence from speech probability and speaker margin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_numbers
from diarspk.diarization.local_speakers import LocalSpeakers
from diarspk.diarization.reconstruction import Turn
from diarspk.embeddings.unit_vectors import centroids

__all__ = ["UNCALIBRATED", "Calibration", "speaker_margins", "turn_confidence"]

MIN_PROBABILITY = 1e-4


@dataclass(frozen=True)
class Calibration:
    """Logistic regression of the correct share of a turn on its activity and margin.

    ``python -m eval.diarization.confidence`` fits and evaluates the weights on conversations with a
    reference; they belong to one model.

    Attributes
    ----------
    activity : float
        Weight of the log-odds of the mean speech probability of the speaker.
    margin : float
        Weight of the mean speaker margin, see :func:`speaker_margins`.
    bias : float
        Log-odds of a turn without either.
    """

    activity: float = 1.0
    margin: float = 0.0
    bias: float = 0.0

    def __post_init__(self) -> None:
        """Check the weights."""
        check_numbers(self, "activity", "margin", "bias")

    def __call__(
        self, activity: NDArray[np.float64], margin: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Compute the confidence in [0, 1] of turns, ``(turns,)``."""
        from scipy.special import expit, logit

        odds = logit(np.clip(activity, MIN_PROBABILITY, 1 - MIN_PROBABILITY))
        return np.asarray(expit(self.activity * odds + self.margin * margin + self.bias))


UNCALIBRATED = Calibration()
"""Mean speech probability of the speaker, as segmentation gives it."""


def turn_confidence(
    turns: list[Turn], local: LocalSpeakers, labels: NDArray[np.int64], calibration: Calibration
) -> NDArray[np.float64]:
    """Calibrated confidence of turns, ``(turns,)``; labels are those of linking."""
    activity = np.array([turn.confidence for turn in turns], np.float64)
    margin = np.zeros(len(turns))
    if calibration.margin and turns:
        frames = speaker_margins(local, labels, int(labels.max()) + 1)
        for number, turn in enumerate(turns):
            first = round(turn.start / local.hop)
            last = max(round(turn.end / local.hop), first + 1)
            margin[number] = frames[first:last, turn.speaker].mean()
    return calibration(activity, margin)


def speaker_margins(
    local: LocalSpeakers, labels: NDArray[np.int64], count: int
) -> NDArray[np.float32]:
    """Compute the margin: cosine of local speakers with their speaker, less that with the next.

    Shape
    -----
    ``labels`` ``(windows, speakers)``, -1 for nobody -> ``(frames, count)``, the mean over windows
    weighted by activity; 0 where the speaker is in no window. Where there is one speaker alone,
    the cosine itself.
    """
    present, numbered = np.unique(labels[labels >= 0], return_inverse=True)
    total = np.zeros((local.frames, count), np.float32)
    weight = np.zeros((local.frames, count), np.float32)
    if not len(present):
        return total
    windows, speakers = np.nonzero(labels >= 0)
    embeddings = local.embeddings[windows, speakers]
    cosines = embeddings @ centroids(embeddings, numbered).T  # (rows, present)
    own = cosines[np.arange(len(cosines)), numbered]
    cosines[np.arange(len(cosines)), numbered] = -np.inf
    margins = own - (cosines.max(axis=1) if len(present) > 1 else 0.0)
    length = local.activity.shape[1]
    for window, speaker, margin in zip(windows, speakers, margins, strict=True):
        span = slice(local.first[window], local.first[window] + length)
        activity, label = local.activity[window, :, speaker], labels[window, speaker]
        total[span, label] += activity * margin
        weight[span, label] += activity
    np.maximum(weight, 1e-6, out=weight)  # in place: with many speakers these are the largest
    total /= weight
    return total
