"""Bounds and cannot-link pairs of a partition, whichever clusterer made it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.clustering import number_by_appearance
from diarspk.clustering.dendrogram import agglomerate
from diarspk.clustering.weighted_points import WeightedPoints

__all__ = [
    "absorb",
    "count_clashes",
    "meet_bounds",
    "scatter",
    "separate",
]


def scatter(points: WeightedPoints, labels: NDArray[np.int64]) -> float:
    """Sum of squares around the speakers' means, over windows.

    With unit vectors this is also the mean cosine distance between two windows of one speaker,
    times the windows: what average linkage and Ward keep low. The share of it that lies inside
    rows, which no partition of the rows can change, is left out.
    """
    return float(_scatters(points, labels).sum())


def count_clashes(points: WeightedPoints, labels: NDArray[np.int64]) -> int:
    """Count the cannot-link pairs that share a speaker."""
    first, second = points.cannot_link.T
    return int((labels[first] == labels[second]).sum())


def meet_bounds(points: WeightedPoints, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Split or merge speakers until the count is allowed, each time at the best price in scatter.

    Speakers are merged, and halved, by Ward linkage: its next merge is the one that adds least to
    :func:`scatter`. The speaker is split whose halves lower it most.
    """
    labels = number_by_appearance(labels)
    count = int(labels.max()) + 1
    if count < points.min_speakers:
        labels = _split(points, labels, points.min_speakers - count)
    if count > points.max_speakers:
        merged = points.merged(labels)
        labels = agglomerate(merged, "ward").cut(points.max_speakers)[labels]
    return labels


def _split(points: WeightedPoints, labels: NDArray[np.int64], times: int) -> NDArray[np.int64]:
    labels = labels.copy()
    halves = {speaker: _halve(points, labels, speaker) for speaker in range(labels.max() + 1)}
    for _ in range(times):
        # Python's max keeps the first of equals, so that the result does not depend on chance.
        speaker = max(halves, key=lambda candidate: halves[candidate][0])
        fresh = len(halves)
        labels[halves[speaker][1]] = fresh
        for part in (speaker, fresh):
            halves[part] = _halve(points, labels, part)
    return labels


def _halve(
    points: WeightedPoints, labels: NDArray[np.int64], speaker: int
) -> tuple[float, NDArray[np.int64]]:
    """Split a speaker in two: what that gains in scatter, and the rows of the second half."""
    rows = np.flatnonzero(labels == speaker)
    if len(rows) < 2:
        return -np.inf, rows
    part = points.subset(rows)
    halves = agglomerate(part, "ward").cut(2)
    whole = np.zeros(len(rows), dtype=np.int64)
    return scatter(part, whole) - scatter(part, halves), rows[halves == 1]


def separate(points: WeightedPoints, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Part the cannot-link pairs that share a speaker, keeping the number of speakers.

    Of such a pair, the row that loses less similarity moves to the nearest speaker that none of
    its own pairs forbids; where there is no such speaker, the pair stays together.
    """
    pairs = points.cannot_link
    clashes = pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]]
    if not len(clashes):
        return labels
    labels = labels.copy()
    centres = _directions(points.merged(labels).means)
    partners = _partners(points)
    for first, second in clashes:
        if labels[first] != labels[second]:
            continue
        moves = []
        for row in (first, second):
            similarity = centres @ points.means[row]
            own = similarity[labels[row]]
            similarity[labels[partners(row)]] = -np.inf
            moves.append((own - similarity.max(), row, int(similarity.argmax())))
        loss, row, target = min(moves)
        if np.isfinite(loss):
            labels[row] = target
    return labels


def _partners(points: WeightedPoints) -> Callable[[int], NDArray[np.int64]]:
    """Rows that a row is paired with, looked up without a search through all pairs."""
    both = np.concatenate([points.cannot_link, points.cannot_link[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    bounds = np.searchsorted(both[:, 0], np.arange(points.count + 1))
    return lambda row: both[bounds[row] : bounds[row + 1], 1]


def absorb(
    points: WeightedPoints, labels: NDArray[np.int64], kept: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Give every speaker outside `kept` to the one of `kept` with the most similar mean."""
    means = points.merged(labels).means
    nearest = kept[(means @ _directions(means[kept]).T).argmax(axis=1)]
    nearest[kept] = kept
    absorbed: NDArray[np.int64] = nearest[labels]
    return absorbed


def _scatters(points: WeightedPoints, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum of squares around each label's mean: ``(k,)``."""
    merged = points.merged(labels)
    squares = points.weights * (points.means**2).sum(axis=1)
    sums = np.bincount(labels, squares, minlength=merged.count)
    around: NDArray[np.float64] = sums - merged.weights * (merged.means**2).sum(axis=1)
    return around


def _directions(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale rows to unit norm; a mean of zero, which has no direction, stays zero."""
    norms = np.linalg.norm(means, axis=1, keepdims=True)
    directions: NDArray[np.float64] = means / np.where(norms > 0, norms, 1.0)
    return directions
