"""Resegmentation: divide speech among the speakers anew, by the embedding of each frame.

Linking gives a local speaker to one speaker of the recording as a whole. Where segmentation has
taken two speakers for one, or one for two, only something shorter can tell: frame embeddings, or
subsegments of a second and a half around each frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_counts, check_numbers
from diarspk.blocks import blocks
from diarspk.diarization.local_speakers import (
    ACTIVE,
    FRAME_EMBEDDING_STEP,
    LocalSpeakers,
    cosines_to,
)
from diarspk.diarization.reconstruction import Activity
from diarspk.embeddings.unit_vectors import normalize_rows

__all__ = ["Resegmentation", "divide", "refine_centroids"]

MIN_PRIOR = 1e-3
"""Added to the activity of every speaker, so that those whom linking has not found may talk."""

MIN_FRAMES = 3
"""Minimum number of embeddings behind a centroid; with fewer, that of linking is kept."""

SINGLE_SPEAKER = (0.5, 1.3)
"""Expected number of speakers in a frame between which surely one talks alone."""


@dataclass(frozen=True)
class Resegmentation:
    """Mixture of von Mises-Fisher distributions, one per speaker, fitted to short embeddings.

    Expectation maximisation with soft assignments (Banerjee et al. 2005, section 4) and one
    concentration for all; a speaker's prior in a frame is the probability with which linking has
    found it there, to a power. How much speech there is in a frame stays as it is. Where several
    talk at once, the embedding is mostly of the loudest, and says little of the others.

    Attributes
    ----------
    concentration : float
        Concentration of the distributions: the weight of cosines beside the prior.
    masked : float
        The same for further speakers who talk at once.
    prior : float
        Power of the prior: 0 trusts the embeddings alone.
    iterations : int
        Iterations of expectation maximisation.
    """

    concentration: float = 50.0
    masked: float = 10.0
    prior: float = 1.0
    iterations: int = 3

    def __post_init__(self) -> None:
        """Check the settings."""
        check_numbers(self, "concentration", "masked", "prior", minimum=0.0)
        check_counts(self, "iterations")

    def __call__(
        self, activity: Activity, local: LocalSpeakers, centroids: NDArray[np.float32]
    ) -> Activity:
        """Compute the probability of every speaker in every frame.

        Parameters
        ----------
        activity
            Probability after linking, ``(frames, speakers)``.
        local
            Result of the first pass.
        centroids
            Of the speakers: unit vectors ``(speakers, dim)``.
        """
        embeddings = _short_embeddings(local, activity)
        if activity.shape[1] < 2 or embeddings is None:
            return activity
        for _ in range(self.iterations - 1):
            centroids = embeddings.centroids(activity, centroids, self._divide)
        return self._divide_all(activity, embeddings, centroids)

    def _divide(self, activity: Activity, cosines: NDArray[np.floating]) -> Activity:
        """Divide the speech of frames by prior and cosines, all ``(frames, speakers)``."""
        total = activity.sum(axis=1, dtype=np.float64)
        prior = self.prior * np.log(activity + MIN_PRIOR)
        one = divide(_softmax(prior + self.concentration * cosines), np.minimum(total, 1.0))
        return divide(_softmax(prior + self.masked * cosines), np.maximum(total - 1.0, 0.0), one)

    def _divide_all(
        self, activity: Activity, embeddings: _ShortEmbeddings, centroids: NDArray[np.floating]
    ) -> Activity:
        """Divide the speech of every frame, a few minutes at a time; cosines are interpolated."""
        cosines, divided = cosines_to(embeddings.vectors, centroids), np.empty_like(activity)
        for rows in blocks(len(activity)):
            frames = np.arange(rows.start, rows.stop)
            between = [np.interp(frames, embeddings.frames, column) for column in cosines.T]
            divided[rows] = self._divide(activity[rows], np.stack(between, axis=1))
        return divided


class _ShortEmbeddings(NamedTuple):
    """Embeddings along a recording: frames ``(n,)``, unit vectors ``(n, dim)``, single speaker."""

    frames: NDArray[np.int64]
    vectors: NDArray[np.floating]
    single_speaker: NDArray[np.bool_]

    def centroids(
        self,
        activity: Activity,
        centroids: NDArray[np.floating],
        assign: Callable[[Activity, NDArray[np.float32]], Activity],
    ) -> NDArray[np.floating]:
        """Mean of each speaker's embeddings, of those of a single speaker: unit norm.

        Parameters
        ----------
        activity
            Of the speakers, ``(frames, speakers)``.
        centroids
            Unit vectors ``(speakers, dim)``, which are kept for speakers with too few embeddings.
        assign
            Callable(activity, similarity) -> soft assignment of each embedding to the speakers.
        """
        sums, weight = np.zeros(centroids.shape), np.zeros(len(centroids))
        for rows in blocks(len(self.frames)):
            vectors = self.vectors[rows].astype(np.float32, copy=False)
            shares = assign(activity[self.frames[rows]], vectors @ centroids.T)
            shares = shares * self.single_speaker[rows, None]
            sums += shares.T @ vectors
            weight += shares.sum(axis=0)
        return np.where((weight >= MIN_FRAMES)[:, None], normalize_rows(sums), centroids)


def refine_centroids(
    activity: Activity, local: LocalSpeakers, centroids: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Compute the speakers' centroids anew, from the frames in which each talks alone.

    A local speaker is embedded as a whole, with all that segmentation has taken for one speaker.

    Parameters
    ----------
    activity, local, centroids
        As for :meth:`Resegmentation.__call__`. Speakers with too few such frames keep their
        centroid.
    """
    embeddings = _short_embeddings(local, activity)
    if embeddings is None:
        return centroids

    def assign(activity: Activity, similarity: NDArray[np.float32]) -> Activity:
        return np.where(activity > ACTIVE, activity, np.float32(0.0))

    return embeddings.centroids(activity, centroids, assign).astype(np.float32)


def _short_embeddings(local: LocalSpeakers, activity: Activity) -> _ShortEmbeddings | None:
    """Frame embeddings, or where there are none, the subsegments."""
    if local.frame_embeddings is not None:
        frames = np.arange(len(local.frame_embeddings)) * FRAME_EMBEDDING_STEP
        spoken = activity[frames].sum(axis=1)
        single = (spoken > SINGLE_SPEAKER[0]) & (spoken < SINGLE_SPEAKER[1])
        return _ShortEmbeddings(frames, local.frame_embeddings, single)
    short = local.subsegments
    if short is None or not len(short.centre):
        return None
    return _ShortEmbeddings(short.centre, short.embeddings, short.seconds > 0)


def divide(
    shares: NDArray[np.float64], total: NDArray[np.float64], have: Activity | None = None
) -> Activity:
    """Divide ``total (frames,)`` by ``shares (frames, n)`` that sum to one, at most one to each.

    The excess of one goes to the others by their shares; an excess of all is lost. Each has its
    part of ``have (frames, n)`` already.
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


def _softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Softmax over the speakers."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
    return shares / shares.sum(axis=1, keepdims=True)
