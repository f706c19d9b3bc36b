"""Changes of a partition by one speaker: who could be cut off somebody, and which two could be one.

A partition is of parts: segments of a few windows that have one speaker each. Changes come with the
evidence for or against them, which :mod:`diarspk.clustering.count_model` weighs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.ratio_merging import merge_by_ratio
from diarspk.clustering.session_model import Groups, SessionModel, pool

__all__ = ["Change", "PartPartition", "find_cuts", "find_joins", "nearest_speakers"]

Labels = NDArray[np.int64]
Matrix = NDArray[np.float64]

CUTS = 4
"""Maximum number of cuts of one speaker that are considered at once."""

SIZE_RATIO = 4.0
"""Points of the log-likelihood ratio that an e-fold size makes up for when cuts are ranked."""


class Change(NamedTuple):
    """One speaker more or fewer.

    Attributes
    ----------
    ratio : float
        Log-likelihood ratio of "one speaker" to "two", of what is cut apart or joined.
    size : float
        Effective windows of the smaller of the two.
    parts : NDArray
        Parts that get another speaker.
    speaker : int
        Who that is; one above the last for somebody further.
    """

    ratio: float
    size: float
    parts: Labels
    speaker: int


@dataclass(frozen=True, eq=False)
class PartPartition:
    """Parts of a recording, and a speaker for each.

    Attributes
    ----------
    parts : Groups
        Of `k` parts.
    labels : NDArray, shape (k,)
        Speaker of each, 0 to s - 1.
    membership : NDArray, shape (n,)
        Part of each window.
    """

    parts: Groups
    labels: Labels
    membership: Labels

    @classmethod
    def of(cls, windows: Groups, segments: Labels, labels: Labels) -> PartPartition:
        """Divide windows into parts of one segment and one speaker each."""
        pairs = np.stack([segments, labels], axis=1)
        found, membership = np.unique(pairs, axis=0, return_inverse=True)
        membership = membership.reshape(-1).astype(np.int64)
        pooled = pool(windows.means, windows.weights, membership)
        counts = np.bincount(membership, windows.counts).astype(np.float64)
        return cls(Groups(pooled.means, counts, pooled.counts), found[:, 1], membership)

    @property
    def speakers(self) -> int:
        """Number of speakers."""
        return int(self.labels.max()) + 1

    @property
    def window_labels(self) -> Labels:
        """Speaker of each window."""
        return self.labels[self.membership]

    def changed(self, change: Change) -> PartPartition:
        """Make a change; speakers are numbered without gaps."""
        labels = self.labels.copy()
        labels[change.parts] = change.speaker
        numbered = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        return PartPartition(self.parts, numbered, self.membership)


def find_cuts(partition: PartPartition, model: SessionModel) -> list[Change]:
    """Find what is least like the rest of its speaker: up to four cuts of each that do not overlap.

    Candidates are all groups that merging the parts of a speaker goes through. Those with a low
    log-likelihood ratio come first, and of two that are as unlike, the larger.
    """
    found: list[Change] = []
    for speaker in range(partition.speakers):
        rows = np.flatnonzero(partition.labels == speaker)
        if len(rows) > 1:
            found += _cuts_of(partition, rows, model)
    return found


def _cuts_of(partition: PartPartition, rows: Labels, model: SessionModel) -> list[Change]:
    nodes = _Nodes.of(partition.parts.subset(rows), model)
    ranks = nodes.ratios - SIZE_RATIO * np.log(nodes.sizes)
    free = np.ones(len(rows), dtype=bool)
    found: list[Change] = []
    for node in np.argsort(ranks, kind="stable").tolist():
        inside = nodes.order[nodes.first[node] : nodes.first[node] + nodes.length[node]]
        if not free[inside].all() or len(inside) == free.sum():
            continue  # of a speaker something is left
        free[inside] = False
        ratio, size = float(nodes.ratios[node]), float(nodes.sizes[node])
        found.append(Change(ratio, size, rows[inside], partition.speakers))
        if len(found) == CUTS:
            break
    return found


@dataclass(frozen=True, eq=False)
class _Nodes:
    """Groups that merging goes through, but the last, each against the rest.

    The parts of a group are consecutive in `order`: `length` of them from `first` on.
    """

    ratios: Matrix
    sizes: Matrix
    order: Labels
    first: Labels
    length: Labels

    @classmethod
    def of(cls, parts: Groups, model: SessionModel) -> _Nodes:
        count = len(parts)
        pairs = merge_by_ratio(parts, model, -np.inf).pairs
        children = np.zeros((count - 1, 2), np.int64)
        current = np.arange(count)  # node of each lowest row
        for step, (low, high) in enumerate(pairs.tolist()):
            children[step] = current[low], current[high]
            current[low] = count + step
        sums = np.zeros((2 * count - 1, parts.means.shape[1]))
        weights, counts = np.zeros(2 * count - 1), np.zeros(2 * count - 1)
        length = np.ones(2 * count - 1, np.int64)
        weights[:count], counts[:count] = parts.weights, parts.counts
        sums[:count] = parts.means * parts.weights[:, None]
        for step, (one, other) in enumerate(children.tolist()):
            node = count + step
            sums[node], weights[node] = sums[one] + sums[other], weights[one] + weights[other]
            counts[node] = max(counts[one], counts[other])
            length[node] = length[one] + length[other]
        first = np.zeros(2 * count - 1, np.int64)
        for step in range(count - 2, -1, -1):
            one, other = children[step]
            first[one] = first[count + step]
            first[other] = first[one] + length[one]
        inner = slice(0, 2 * count - 2)  # all but the whole
        own = Groups(sums[inner] / weights[inner, None], np.maximum(weights, counts)[inner])
        rest_weights = weights[-1] - weights[inner]
        rest = Groups((sums[-1] - sums[inner]) / rest_weights[:, None], rest_weights)
        return cls(
            model.log_ratios(own, rest),
            np.minimum(own.counts, rest.counts),
            np.argsort(first[:count], kind="stable"),
            first[inner],
            length[inner],
        )


def find_joins(partition: PartPartition, model: SessionModel) -> list[Change]:
    """Find the merges that would make one speaker of all, the surest first."""
    speakers = partition.parts.merged(partition.labels)
    path = merge_by_ratio(speakers, model, -np.inf)
    return [
        Change(float(ratio), float(sizes.min()), _parts_of(partition, high), low)
        for (low, high), ratio, sizes in zip(
            path.pairs.tolist(), path.ratios, path.counts, strict=True
        )
    ]


def nearest_speakers(partition: PartPartition, model: SessionModel) -> list[Change]:
    """Find for each speaker the one that the evidence says it is most likely; pairs come once."""
    speakers = partition.parts.merged(partition.labels)
    found: dict[tuple[int, int], Change] = {}
    for one in range(len(speakers)):
        others = np.flatnonzero(np.arange(len(speakers)) != one)
        ratios = model.log_ratios(speakers.subset(np.array([one])), speakers.subset(others))
        best = int(ratios.argmax())
        low, high = sorted((one, int(others[best])))
        size = float(min(speakers.counts[low], speakers.counts[high]))
        found[low, high] = Change(float(ratios[best]), size, _parts_of(partition, high), low)
    return list(found.values())


def _parts_of(partition: PartPartition, speaker: int) -> Labels:
    return np.flatnonzero(partition.labels == speaker)
