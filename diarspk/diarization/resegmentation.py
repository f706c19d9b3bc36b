"""Divide speech among the speakers anew, by whose voice each frame has.

Linking gives a local speaker to one speaker of the recording as a whole. Where segmentation has
taken two voices for one, or one for two, only something shorter can tell: the vectors of the frame
head, or subsegments of a second and a half around each frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diarspk.blocks import blocks
from diarspk.diarization.first_pass import ACTIVE, LocalSpeakers, cosines_to
from diarspk.diarization.reconstruction import Activity
from diarspk.diarization.tracks import VOICE_STEP

__all__ = ["Resegmentation", "find_directions"]

LEAST_PRIOR = 1e-3
"""Of a speaker whom linking has not found in a frame."""

FEWEST_PLACES = 3
"""A speaker with fewer keeps the direction that linking has given it."""

ALONE = (0.5, 1.3)
"""Speech of all in a frame, between which one speaker surely talks alone."""


@dataclass(frozen=True)
class Resegmentation:
    """A mixture of one von Mises-Fisher distribution for each speaker, fitted to those vectors.

    Expectation maximisation with soft assignments (Banerjee et al. 2005, section 4) and one
    concentration for all; a speaker's prior in a frame is the probability with which linking has
    found it there, to a power. How much speech there is in a frame stays as it is. Where several
    talk at once, the vector is mostly of the loudest, and says little of the others.

    Attributes
    ----------
    concentration : float
        Of the distributions: the weight of cosines beside the prior.
    masked : float
        The same for the others who talk at once.
    prior : float
        Power of the prior: 0 trusts the vectors alone.
    iterations : int
        Of expectation maximisation.
    """

    concentration: float = 50.0
    masked: float = 10.0
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
        for _ in range(self.iterations - 1):
            directions = heard.mean(activity, directions, self._divide)
        return self._divide_all(activity, heard, directions)

    def _divide(self, activity: Activity, cosines: NDArray[np.floating]) -> Activity:
        """Divide the speech of frames by prior and cosines, all ``(frames, speakers)``."""
        total = activity.sum(axis=1, dtype=np.float64)
        prior = self.prior * np.log(activity + LEAST_PRIOR)
        one = divide(_shares(prior + self.concentration * cosines), np.minimum(total, 1.0))
        return divide(_shares(prior + self.masked * cosines), np.maximum(total - 1.0, 0.0), one)

    def _divide_all(
        self, activity: Activity, heard: _Heard, directions: NDArray[np.floating]
    ) -> Activity:
        """Divide the speech of every frame, a few minutes at a time; cosines are interpolated."""
        cosines, divided = cosines_to(heard.vectors, directions), np.empty_like(activity)
        for rows in blocks(len(activity)):
            frames = np.arange(rows.start, rows.stop)
            between = [np.interp(frames, heard.places, column) for column in cosines.T]
            divided[rows] = self._divide(activity[rows], np.stack(between, axis=1))
        return divided


class _Heard(NamedTuple):
    """Voices along a recording: frames ``(n,)``, unit vectors ``(n, dim)``, and of one alone."""

    places: NDArray[np.int64]
    vectors: NDArray[np.floating]
    alone: NDArray[np.bool_]

    def mean(
        self,
        activity: Activity,
        directions: NDArray[np.floating],
        share: Callable[[Activity, NDArray[np.float32]], Activity],
    ) -> NDArray[np.floating]:
        """Mean direction of each speaker, of the vectors of one voice alone.

        Parameters
        ----------
        activity
            Of the speakers, ``(frames, speakers)``.
        directions
            Unit vectors ``(speakers, dim)``, which are kept for who has next to no vectors.
        share
            Makes of activity and of cosines to `directions` what of each vector is whose.
        """
        sums, weight = np.zeros(directions.shape), np.zeros(len(directions))
        for rows in blocks(len(self.places)):
            vectors = self.vectors[rows].astype(np.float32, copy=False)
            shares = share(activity[self.places[rows]], vectors @ directions.T)
            shares = shares * self.alone[rows, None]
            sums += shares.T @ vectors
            weight += shares.sum(axis=0)
        sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-8)
        return np.where((weight >= FEWEST_PLACES)[:, None], sums, directions)


def find_directions(
    activity: Activity, local: LocalSpeakers, directions: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Find the speakers' directions anew, from the frames in which each talks alone.

    A local speaker is embedded as a whole, with what segmentation has taken for that voice.

    Parameters
    ----------
    activity, local, directions
        As :meth:`Resegmentation.__call__` has them. Who has next to no such frames keeps the
        direction that linking has given.
    """
    heard = _hear(local, activity)
    if heard is None:
        return directions
    found = heard.mean(activity, directions, lambda part, _: np.where(part > ACTIVE, part, 0.0))
    return found.astype(np.float32)


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


def divide(
    shares: NDArray[np.float64], total: NDArray[np.float64], have: Activity | None = None
) -> Activity:
    """Divide ``total (frames,)`` by ``shares (frames, n)`` that sum to one, at most one to each.

    What is too much for one goes to the others by their shares; what is too much for all is lost.
    Each has what it has in ``have (frames, n)`` already.
    """
    divided = np.zeros_like(shares) if have is None else have.astype(np.float64)
    for _ in range(shares.shape[1]):
        open_shares = np.where(divided < 1.0, shares + 1e-12, 0.0)
        sums = np.maximum(open_shares.sum(axis=1, keepdims=True), 1e-12)
        given = divided + total[:, None] * open_shares / sums
        divided = np.minimum(given, 1.0)
        total = (given - divided).sum(axis=1)
        if not total.any():
            break
    return divided.astype(np.float32)


def _shares(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Softmax over the speakers."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
    return shares / shares.sum(axis=1, keepdims=True)
