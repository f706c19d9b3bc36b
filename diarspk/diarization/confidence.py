"""How sure a turn is: activity and likeness to its speaker, calibrated to a share of the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from diarspk.diarization.first_pass import LocalSpeakers

__all__ = ["UNCALIBRATED", "Calibration", "speaker_margins"]

LEAST_PROBABILITY = 1e-4


@dataclass(frozen=True)
class Calibration:
    """Logistic map from what is known of a turn to the share of it that is right.

    ``python -m eval.diarization.confidence`` fits the weights, and measures what they are worth, on
    conversations with a reference; they belong to one model.

    Attributes
    ----------
    activity : float
        Weight of the log-odds of the mean probability that the speaker talks.
    margin : float
        Weight of the mean cosine with the speaker less that with the nearest other.
    bias : float
    """

    activity: float = 1.0
    margin: float = 0.0
    bias: float = 0.0

    def __call__(
        self, activity: NDArray[np.float64], margin: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Confidence in [0, 1] of turns, ``(turns,)``."""
        odds = logit(np.clip(activity, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY))
        return np.asarray(expit(self.activity * odds + self.margin * margin + self.bias))


UNCALIBRATED = Calibration()
"""The mean probability that the speaker talks, as segmentation gives it."""


def speaker_margins(
    local: LocalSpeakers, labels: NDArray[np.int64], count: int
) -> NDArray[np.float32]:
    """Cosine of the local speakers behind each frame with their speaker, less the nearest other.

    Shape
    -----
    ``labels`` ``(windows, speakers)``, -1 for nobody -> ``(frames, count)``, the mean over windows
    weighted by activity; 0 where the speaker is in no window. Where there is one speaker alone,
    the cosine itself.
    """
    from diarspk.embeddings.unit_vectors import centroids

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
