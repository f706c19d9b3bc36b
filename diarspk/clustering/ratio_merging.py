"""Agglomerative clustering by evidence: the pair that is one speaker most surely merges first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.session_model import Groups, SessionModel, pool

__all__ = ["MergePath", "join_neighbours", "merge_by_ratio"]

Labels = NDArray[np.int64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MergePath:
    """Merges in order of evidence; a merged group is identified by its lowest row.

    Attributes
    ----------
    groups : int
        Number of groups before the first merge.
    pairs : NDArray, shape (m, 2)
        Lowest rows of the two groups that are merged, lower first.
    ratios : NDArray, shape (m,)
        Log-likelihood ratio of "one speaker" to "two" of each merge.
    counts : NDArray, shape (m, 2)
        Effective numbers of windows of the two.
    """

    groups: int
    pairs: Labels
    ratios: Matrix
    counts: Matrix

    def cut(self, merges: int) -> Labels:
        """Labels ``(groups,)`` after the first so many merges, numbered by first appearance."""
        roots = np.arange(self.groups)
        for low, high in self.pairs[:merges].tolist():
            roots[high] = low
        for row in range(self.groups):  # a root is a lower row, hence final already
            roots[row] = roots[roots[row]]
        return np.unique(roots, return_inverse=True)[1].astype(np.int64)

    @property
    def end(self) -> Labels:
        """Labels after all merges."""
        return self.cut(len(self.pairs))


def join_neighbours(
    groups: Groups, model: SessionModel, threshold: float, max_count: float
) -> Labels:
    """Join consecutive groups that are one speaker, as far as `max_count` effective windows.

    In every round those neighbours join whose evidence exceeds that of the neighbours on both
    sides.

    Returns
    -------
    NDArray, shape (k,)
        Rising labels from 0.
    """
    labels = np.arange(len(groups))
    while len(groups) > 1:
        ratios = _neighbour_ratios(groups, model)
        ratios[groups.counts[:-1] + groups.counts[1:] > max_count] = -np.inf
        around = np.concatenate([[-np.inf], ratios, [-np.inf]])
        # Of equal neighbours the first joins.
        joins = (ratios > threshold) & (ratios > around[:-2]) & (ratios >= around[2:])
        if not joins.any():
            break
        step = np.concatenate([[0], np.cumsum(~joins)])
        groups, labels = pool(groups.means, groups.counts, step), step[labels]
    return labels


def _neighbour_ratios(groups: Groups, model: SessionModel) -> Matrix:
    first = Groups(groups.means[:-1], groups.counts[:-1])
    return model.log_ratios(first, Groups(groups.means[1:], groups.counts[1:]))


def merge_by_ratio(
    groups: Groups,
    model: SessionModel,
    threshold: float,
    *,
    cannot_link: Labels | None = None,
) -> MergePath:
    """Merge the pair with the largest log-likelihood ratio, as long as that is above `threshold`.

    Quadratic in the number of groups, in time and memory.

    Parameters
    ----------
    groups : Groups
    model : SessionModel
    threshold : float
        Minimum log-likelihood ratio of a merge.
    cannot_link : NDArray of int, shape (m, 2), optional
        Pairs of groups that no merge may join.
    """
    merging = _Merging(groups, model, cannot_link)
    while len(merging.pairs) < len(groups) - 1 and merging.step(threshold):
        pass
    return MergePath(
        len(groups),
        np.array(merging.pairs, np.int64).reshape(-1, 2),
        np.array(merging.ratios, np.float64),
        np.array(merging.counts, np.float64).reshape(-1, 2),
    )


class _Merging:
    """Groups under agglomeration; each row stores the row that it would merge with."""

    def __init__(self, groups: Groups, model: SessionModel, cannot_link: Labels | None) -> None:
        self.model = model
        self.means, self.sizes = groups.means.copy(), groups.counts.copy()
        self.weights = groups.weights.copy()
        self.alive = np.ones(len(groups), dtype=bool)
        self.table = np.full((len(groups), len(groups)), -np.inf)
        self.allowed: NDArray[np.bool_] | None = None
        if cannot_link is not None and len(cannot_link):
            self.allowed = np.ones(self.table.shape, dtype=bool)
            first, second = cannot_link.T
            self.allowed[first, second] = self.allowed[second, first] = False
        for row in range(len(groups) - 1):
            others = np.arange(row + 1, len(groups))
            self._store(row, others)
        self.partner = self.table.argmax(axis=1) if len(groups) else np.zeros(0, np.int64)
        self.best = self.table.max(axis=1, initial=-np.inf)
        self.pairs: list[tuple[int, int]] = []
        self.ratios: list[float] = []
        self.counts: list[tuple[float, float]] = []

    def step(self, threshold: float) -> bool:
        """Make the next merge; False where no ratio is above the threshold."""
        row = int(self.best.argmax())
        ratio = float(self.best[row])
        if not ratio > threshold:
            return False
        low, high = sorted((row, int(self.partner[row])))
        self.pairs.append((low, high))
        self.ratios.append(ratio)
        self.counts.append((float(self.sizes[low]), float(self.sizes[high])))
        self._merge(low, high)
        return True

    def _merge(self, low: int, high: int) -> None:
        total = self.weights[low] + self.weights[high]
        weighted = self.weights[low] * self.means[low] + self.weights[high] * self.means[high]
        self.means[low], self.weights[low] = weighted / total, total
        self.sizes[low] = max(total, self.sizes[low], self.sizes[high])
        self.alive[high] = False
        self.table[high] = self.table[:, high] = -np.inf
        self.best[high] = -np.inf
        if self.allowed is not None:
            self.allowed[low] &= self.allowed[high]
            self.allowed[:, low] = self.allowed[low]
        others = np.flatnonzero(self.alive)
        others = others[others != low]
        self._store(low, others)
        stale = self.alive & ((self.partner == low) | (self.partner == high))
        better = self.alive & (self.table[low] > self.best)
        self.partner[better], self.best[better] = low, self.table[low, better]
        stale[low] = True
        for row in np.flatnonzero(stale & ~better).tolist():
            self.partner[row] = self.table[row].argmax()
            self.best[row] = self.table[row, self.partner[row]]

    def _store(self, row: int, others: Labels) -> None:
        groups = Groups(self.means, self.sizes)
        ratios = self.model.log_ratios(groups.subset(np.array([row])), groups.subset(others))
        if self.allowed is not None:
            ratios[~self.allowed[row, others]] = -np.inf
        self.table[row, others] = self.table[others, row] = ratios
