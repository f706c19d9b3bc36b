"""Divide speech among the speakers anew, by whose voice each frame has.

Linking gives a local speaker to one speaker of the recording as a whole. Where segmentation has
taken two voices for one, or one for two, only something shorter can tell: the vectors of the frame
head, or subsegments of a second and a half around each frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diarspk.segmentation.local_speakers import VOICE_STEP, LocalSpeakers
from diarspk.stitching import Activity

__all__ = ["Resegmentation"]

LEAST_PRIOR = 1e-3
"""Of a speaker whom linking has not found in a frame."""

FEWEST_PLACES = 3
"""A speaker with fewer keeps the direction that linking has given it."""

BLOCK_FRAMES = 10_000
"""Frames that are divided at once, so that memory does not grow with the recording."""

ALONE = (0.5, 1.3)
"""Speech of all in a frame, between which one speaker surely talks alone."""


@dataclass(frozen=True)
class Resegmentation:
    """A mixture of one von Mises-Fisher distribution for each speaker, fitted to those vectors.

    Expectation maximisation with soft assignments (Banerjee et al. 2005, section 4) and one
    concentration for all; a speaker's prior in a frame is the probability with which linking has
    found it there, to a power. How much speech there is in a frame stays as it is.

    Attributes
    ----------
    concentration : float
        Of the distributions: the weight of cosines beside the prior.
    prior : float
        Power of the prior: 0 trusts the vectors alone.
    iterations : int
        Of expectation maximisation.
    """

    concentration: float = 60.0
    prior: float = 1.0
    iterations: int = 3

    def __call__(
        self, activity: Activity, local: LocalSpeakers, directions: NDArray[np.float32]
    ) -> Activity:
        """Probability of every speaker in every frame.

        Parameters
        ----------
        activity
            The same, as linking has it, ``(frames, speakers)``.
        local
            What the pass over the recording has found.
        directions
            Of the speakers: unit vectors ``(speakers, dim)``.
        """
        if activity.shape[1] < 2 or (heard := _hear(local, activity)) is None:
            return activity
        there = activity[heard.places]
        for _ in range(self.iterations - 1):
            divided = self._divide(there, heard.vectors @ directions.T)
            weights = divided * heard.alone[:, None]
            sums = weights.T @ heard.vectors
            sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-8)
            enough = weights.sum(axis=0) >= FEWEST_PLACES
            directions = np.where(enough[:, None], sums, directions)
        return self._divide_all(activity, heard, directions)

    def _divide(self, activity: Activity, cosines: NDArray[np.floating]) -> Activity:
        """Divide the speech of frames by prior and cosines, all ``(frames, speakers)``."""
        logits = self.prior * np.log(activity + LEAST_PRIOR) + self.concentration * cosines
        shares = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
        total = activity.sum(axis=1, dtype=np.float64)
        return divide(shares / shares.sum(axis=1, keepdims=True), total)

    def _divide_all(
        self, activity: Activity, heard: _Heard, directions: NDArray[np.floating]
    ) -> Activity:
        """Divide the speech of every frame, a few minutes at a time; cosines are interpolated."""
        cosines, divided = heard.vectors @ directions.T, np.empty_like(activity)
        for first in range(0, len(activity), BLOCK_FRAMES):
            frames = np.arange(first, min(first + BLOCK_FRAMES, len(activity)))
            between = [np.interp(frames, heard.places, column) for column in cosines.T]
            divided[frames] = self._divide(activity[frames], np.stack(between, axis=1))
        return divided


class _Heard(NamedTuple):
    """Voices along a recording: frames ``(n,)``, unit vectors ``(n, dim)``, and of one alone."""

    places: NDArray[np.int64]
    vectors: NDArray[np.float32]
    alone: NDArray[np.bool_]


def _hear(local: LocalSpeakers, activity: Activity) -> _Heard | None:
    """Vectors of the frame head, or where there is none, of the subsegments."""
    if local.voices is not None:
        places = np.arange(len(local.voices)) * VOICE_STEP
        spoken = activity[places].sum(axis=1)
        return _Heard(places, local.voices, (spoken > ALONE[0]) & (spoken < ALONE[1]))
    short = local.subsegments
    if short is None or not len(short.centre):
        return None
    return _Heard(short.centre, short.embeddings, short.seconds > 0)


def divide(shares: NDArray[np.float64], total: NDArray[np.float64]) -> Activity:
    """Divide ``total (frames,)`` by ``shares (frames, n)`` that sum to one, at most one to each.

    What is too much for one goes to the others by their shares. A total above ``n`` is ``n``.
    """
    divided = shares * total[:, None]
    for _ in range(shares.shape[1]):
        surplus = np.maximum(divided - 1.0, 0.0).sum(axis=1, keepdims=True)
        if not surplus.any():
            break
        open_shares = np.where(divided < 1.0, shares + 1e-12, 0.0)
        sums = np.maximum(open_shares.sum(axis=1, keepdims=True), 1e-12)
        divided = np.minimum(divided, 1.0) + surplus * open_shares / sums
    return np.minimum(divided, 1.0).astype(np.float32)
