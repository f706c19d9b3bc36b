"""Input of a clusterer: embeddings of one session and everything known about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.arguments import check_number
from diarspk.clustering.speaker_bounds import UNBOUNDED, SpeakerBounds
from diarspk.clustering.weighted_points import WeightedPoints, apply_must_link
from diarspk.embeddings.unit_vectors import unit_vectors
from diarspk.errors import ArgumentError

__all__ = ["ClusteringInput", "validate"]


@dataclass(frozen=True, eq=False)
class ClusteringInput:
    """Embeddings of one session's windows, in time order, with constraints on their labels.

    Attributes
    ----------
    embeddings : array, shape (n, dim)
        Any scale: only directions count.
    bounds : SpeakerBounds
        Always honoured; n windows have at most n speakers (windows that must-link pairs join count
        as one).
    durations : array, shape (n,), optional
        Seconds of speech in each window.
    must_link : array of int, shape (m, 2), optional
        Pairs of windows of one speaker. Always respected.
    cannot_link : array of int, shape (m, 2), optional
        Pairs of windows of different speakers, e.g. local speakers of one segmentation window.
        Respected as far as the bounds allow.
    initial_labels : sequence of int arrays, shape (n,) each
        Partitions that iterative clusterers may start from, beside their own.
    dialogue : float, optional
        Share of short stretches of the recording in which the segmentation finds two people or
        more. Where few do, all windows that are alike may be one voice; where many do, they have a
        microphone in common.
    """

    embeddings: ArrayLike
    _: KW_ONLY
    bounds: SpeakerBounds = UNBOUNDED
    durations: ArrayLike | None = None
    must_link: ArrayLike | None = None
    cannot_link: ArrayLike | None = None
    initial_labels: Sequence[ArrayLike] = ()
    dialogue: float | None = None

    def __repr__(self) -> str:
        return f"ClusteringInput({np.shape(self.embeddings)} embeddings, {self.bounds})"


def validate(inputs: ClusteringInput) -> tuple[WeightedPoints, NDArray[np.int64]]:
    """Check the input, bring the embeddings to unit norm, and apply the must-link pairs.

    A cannot-link pair proves two speakers, so it raises the minimum to 2 where the maximum allows.

    Returns
    -------
    points : WeightedPoints
        One per window, or per group of windows that must-link pairs join.
    membership : NDArray, shape (n,)
        Point of each window.

    Raises
    ------
    ArgumentError
        Embeddings are not ``(n, dim)``, not finite, or hold a zero vector; durations, pairs or
        initial labels do not fit the embeddings; pairs contradict each other.
    """
    vectors = unit_vectors(inputs.embeddings)
    count = len(vectors)
    lowest, highest = inputs.bounds.within(count)
    cannot_link = _checked_pairs(inputs.cannot_link, count, "cannot_link")
    if len(cannot_link):
        lowest = min(max(lowest, 2), highest)
    points = WeightedPoints(
        vectors,
        np.ones(count),
        None if inputs.durations is None else _checked_durations(inputs.durations, count),
        lowest,
        highest,
        cannot_link,
        tuple(_checked_labels(labels, count) for labels in inputs.initial_labels),
        None if inputs.dialogue is None else check_number(inputs.dialogue, "dialogue", minimum=0.0),
    )
    return apply_must_link(points, _checked_pairs(inputs.must_link, count, "must_link"))


def _checked_labels(labels: ArrayLike, count: int) -> NDArray[np.int64]:
    found = np.asarray(labels)
    if found.shape != (count,) or not (np.issubdtype(found.dtype, np.integer) or not count):
        raise ArgumentError(
            f"`initial_labels` must be integers of shape ({count},) each, got {found.dtype} "
            f"{found.shape}."
        )
    return found.astype(np.int64)


def _checked_durations(durations: ArrayLike, count: int) -> NDArray[np.float64]:
    seconds = np.asarray(durations, dtype=np.float64)
    if seconds.shape != (count,):
        raise ArgumentError(f"`durations` must be of shape ({count},), got shape {seconds.shape}.")
    faulty = np.flatnonzero(~(np.isfinite(seconds) & (seconds >= 0)))
    if len(faulty):
        row = int(faulty[0])
        raise ArgumentError(
            f"`durations` must be finite and at least 0 s, got {seconds[row]} in row {row}."
        )
    return seconds


def _checked_pairs(pairs: ArrayLike | None, count: int, name: str) -> NDArray[np.int64]:
    """Pairs of different rows of `count`: ``(m, 2)``; `name` is what an error calls them."""
    checked = np.asarray([] if pairs is None else pairs)
    if checked.size == 0:
        return np.zeros((0, 2), dtype=np.int64)
    if checked.ndim != 2 or checked.shape[1] != 2 or not np.issubdtype(checked.dtype, np.integer):
        raise ArgumentError(
            f"`{name}` must be integers of shape (m, 2), got {checked.dtype} {checked.shape}."
        )
    if checked.min() < 0 or checked.max() >= count:
        raise ArgumentError(
            f"`{name}` must hold rows within 0..{count - 1}, got {checked.min()}..{checked.max()}."
        )
    if (checked[:, 0] == checked[:, 1]).any():
        raise ArgumentError(f"`{name}` must pair different rows, got a row with itself.")
    return checked.astype(np.int64)
