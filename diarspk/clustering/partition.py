"""Operations on partitions of weighted points: micro-clusters, bounds and cannot-link pairs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.dendrogram import agglomerate
from diarspk.clustering.weighted_points import WeightedPoints, number_by_appearance
from diarspk.embeddings.unit_vectors import normalize_rows

__all__ = [
    "BLOCK_POINTS",
    "EXACT_WINDOWS",
    "absorb",
    "condense",
    "count_violations",
    "enforce_bounds",
    "scatter",
    "separate",
]

EXACT_WINDOWS = 4000
"""Points that are clustered one by one: 128 MB of distances, an hour at a hop of 0.9 s."""

BLOCK_POINTS = 1000
"""Points that are condensed at once: time is the points times this, memory its square."""

MAX_SHRINKAGE = 10
"""Points that one pass merges into one, on average: more would mix speakers early."""


def condense(points: WeightedPoints, limit: int) -> tuple[WeightedPoints, NDArray[np.int64]]:
    """Merge points into at most `limit` micro-clusters; returned as they are where they are fewer.

    Consecutive blocks of points are merged by Ward linkage, each to its share of the limit: Ward,
    since its clusters stay compact where average linkage would spend them on outliers.

    Returns
    -------
    condensed : WeightedPoints
    membership : NDArray, shape (n,)
        Micro-cluster of each of `points`.
    """
    membership = np.arange(points.count)
    while points.count > limit:
        blocks = -(-points.count // BLOCK_POINTS)
        total = limit if blocks == 1 else max(limit, BLOCK_POINTS)
        labels = np.zeros(points.count, dtype=np.int64)
        used = 0
        for block, rows in enumerate(np.array_split(np.arange(points.count), blocks)):
            share = max(total // blocks + (block < total % blocks), 1)
            if blocks > 1:
                share = max(share, -(-len(rows) // MAX_SHRINKAGE))
            labels[rows] = used + agglomerate(points.subset(rows), "ward").cut(share)
            used += share
        points, membership = points.merged(labels), labels[membership]
    return points, membership


def scatter(points: WeightedPoints, labels: NDArray[np.int64]) -> float:
    """Within-cluster sum of squares, over windows.

    With unit vectors this is also the mean cosine distance between two windows of one speaker,
    times the windows: what average linkage and Ward keep low. The share of it inside points, which
    no partition of the points can change, is left out.
    """
    merged = points.merged(labels)
    squares = points.weights * (points.means**2).sum(axis=1)
    sums = np.bincount(labels, squares, minlength=merged.count)
    return float((sums - merged.weights * (merged.means**2).sum(axis=1)).sum())


def count_violations(points: WeightedPoints, labels: NDArray[np.int64]) -> int:
    """Count the cannot-link pairs that share a speaker."""
    first, second = points.cannot_link.T
    return int((labels[first] == labels[second]).sum())


def enforce_bounds(points: WeightedPoints, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Split or merge speakers until the count is allowed, each time at the lowest :func:`scatter`.

    Speakers are merged, and halved, by Ward linkage, whose next merge is the one that adds least to
    the scatter. The speaker is split whose halves lower it most.
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
        # Python's max returns the first of equals, so that the result is deterministic.
        speaker = max(halves, key=lambda candidate: halves[candidate][0])
        new = len(halves)
        labels[halves[speaker][1]] = new
        for part in (speaker, new):
            halves[part] = _halve(points, labels, part)
    return labels


def _halve(
    points: WeightedPoints, labels: NDArray[np.int64], speaker: int
) -> tuple[float, NDArray[np.int64]]:
    """Split a speaker in two: the decrease in scatter, and the rows of the second half."""
    rows = np.flatnonzero(labels == speaker)
    if len(rows) < 2:
        return -np.inf, rows
    part = points.subset(rows)
    halves = agglomerate(part, "ward").cut(2)
    whole = np.zeros(len(rows), dtype=np.int64)
    return scatter(part, whole) - scatter(part, halves), rows[halves == 1]


def separate(points: WeightedPoints, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Separate the cannot-link pairs that share a speaker, at the same number of speakers.

    Of such a pair, the point that loses less similarity moves to the nearest speaker that none of
    its own pairs forbids; where there is no such speaker, the pair stays together.
    """
    pairs = points.cannot_link
    violations = pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]]
    if not len(violations):
        return labels
    labels = labels.copy()
    centroids = normalize_rows(points.merged(labels).means)
    partners = _partners(points)
    for first, second in violations:
        if labels[first] != labels[second]:
            continue
        moves = []
        for row in (first, second):
            similarity = centroids @ points.means[row]
            own = similarity[labels[row]]
            similarity[labels[partners(row)]] = -np.inf
            moves.append((own - similarity.max(), row, int(similarity.argmax())))
        loss, row, target = min(moves)
        if np.isfinite(loss):
            labels[row] = target
    return labels


def _partners(points: WeightedPoints) -> Callable[[int], NDArray[np.int64]]:
    """Look-up of the points that a point must not be linked with, without a search of all pairs."""
    both = np.concatenate([points.cannot_link, points.cannot_link[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    bounds = np.searchsorted(both[:, 0], np.arange(points.count + 1))
    return lambda row: both[bounds[row] : bounds[row + 1], 1]


def absorb(
    points: WeightedPoints, labels: NDArray[np.int64], speakers: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Relabel every cluster outside `speakers` as the speaker with the most similar centroid."""
    means = points.merged(labels).means
    nearest = speakers[(means @ normalize_rows(means[speakers]).T).argmax(axis=1)]
    nearest[speakers] = speakers
    absorbed: NDArray[np.int64] = nearest[labels]
    return absorbed
