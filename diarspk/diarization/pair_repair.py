"""Must-link and cannot-link pairs on top of a clustering that knew nothing of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.weighted_points import connect
from diarspk.diarization.assignment import reassign
from diarspk.diarization.constraint_pairs import Pairs, clustered_rows, span_pairs
from diarspk.diarization.constraints import Constraints
from diarspk.diarization.linking import Linking
from diarspk.diarization.local_speakers import LocalSpeakers

__all__ = ["respect_pairs"]

Labels = NDArray[np.int64]
NO_PAIRS = np.zeros((0, 2), np.int64)


def respect_pairs(
    local: LocalSpeakers,
    linking: Linking,
    constraints: Constraints,
    *,
    reliable_s: float,
    similarity: float,
) -> Linking | None:
    """Change a linking as little as pairs of spans need.

    All local speakers behind linked spans get the speaker whom most of their speech has. Where two
    who must differ have one speaker, the one with less speech goes to the most similar other one,
    or becomes a new speaker; then the two divide what else was that speaker's among them.

    Parameters
    ----------
    similarity : float
        Minimum cosine to the other speaker; below it, a new one is preferred.

    Returns
    -------
    Linking, optional
        None where the bounds on the number of speakers cannot be met so.

    Raises
    ------
    ArgumentError
        If a span holds no speech, or the spans contradict each other.
    """
    rows = clustered_rows(local, reliable_s, constraints.bounds.needed)
    pairs = span_pairs(local, rows, NO_PAIRS, constraints)
    repair = _Repair(local, linking.labels, similarity, constraints.bounds.limit)
    if not repair.settle(_groups(pairs, len(rows.windows)), pairs, (rows.windows, rows.speakers)):
        return None
    labels = repair.finish()
    count = len(np.unique(labels[labels >= 0]))
    if count < constraints.bounds.needed:
        return None
    unchanged = count == len(np.unique(linking.labels[linking.labels >= 0]))
    scores = linking.count_scores if unchanged else {count: 1.0}
    posterior = linking.count_posterior if unchanged else {}
    return replace(
        linking, labels=labels, count_scores=scores, count_posterior=posterior
    ).without_gaps()


def _groups(pairs: Pairs, count: int) -> list[Labels]:
    """Rows that are one person, for everybody whom a pair names."""
    people = connect(pairs.must, count) if len(pairs.must) else np.arange(count)
    named = np.unique(people[np.concatenate([pairs.must.ravel(), pairs.cannot.ravel()])])
    return [np.flatnonzero(people == person) for person in named]


class _Repair:
    """Labels ``(windows, speakers)`` while groups of local speakers get theirs one by one."""

    def __init__(
        self, local: LocalSpeakers, labels: Labels, similarity: float, limit: int | None
    ) -> None:
        self.local = local
        self.labels = labels.copy()
        self.similarity = similarity
        self.limit = limit
        self.settled = np.zeros(labels.shape, np.bool_)
        self.divided: list[tuple[int, int]] = []

    def settle(self, groups: list[Labels], pairs: Pairs, places: tuple[Labels, Labels]) -> bool:
        """Label every group, those with the most speech first; false if the limit forbids it."""
        masks = []
        for group in groups:
            mask = np.zeros(self.labels.shape, np.bool_)
            mask[places[0][group], places[1][group]] = True
            masks.append(mask)
        group_of = {int(row): number for number, group in enumerate(groups) for row in group}
        apart = {(group_of[int(one)], group_of[int(other)]) for one, other in pairs.cannot}
        chosen: dict[int, int] = {}
        for number in sorted(range(len(groups)), key=lambda n: -self._seconds(masks[n])):
            forbidden = {
                chosen[other]
                for other in chosen
                if (number, other) in apart or (other, number) in apart
            }
            label = self._choose(masks[number], forbidden)
            if label is None:
                return False
            chosen[number] = label
            self.labels[masks[number]] = label
            self.settled |= masks[number]
        return True

    def finish(self) -> Labels:
        """Divide the speakers who became two, and keep those of one window apart."""
        for old, new in self.divided:
            rest = (self.labels == old) & ~self.settled
            if rest.any():
                undecided = int(self.labels.max()) + 1
                competing = np.where(np.isin(self.labels, (old, new)), self.labels, -1)
                competing[rest] = undecided
                self.labels[rest] = reassign(self.local, competing, np.array([undecided]))[rest]
        clashing = np.zeros(self.labels.shape, np.bool_)
        for window in np.flatnonzero(self.settled.any(1)):
            taken = self.labels[window][self.settled[window]]
            clashing[window] = np.isin(self.labels[window], taken) & ~self.settled[window]
        undecided = int(self.labels.max()) + 1
        labels = np.where(clashing & (self.labels >= 0), undecided, self.labels)
        return reassign(self.local, labels, np.array([undecided])) if clashing.any() else labels

    def _choose(self, group: NDArray[np.bool_], forbidden: set[int]) -> int | None:
        """Speaker of a group who is none of the forbidden ones; None if there can be none."""
        own, seconds = self.labels[group], self.local.seconds[group]
        spoken = np.bincount(own[own >= 0], seconds[own >= 0], minlength=1)
        wanted = int(spoken.argmax())
        if wanted not in forbidden:
            return wanted
        present = [int(label) for label in np.unique(self.labels[(self.labels >= 0) & ~group])]
        vector = self.local.centroid(group)
        cosines = {
            label: float(self.local.centroid((self.labels == label) & ~group) @ vector)
            for label in present
            if label not in forbidden
        }
        best = max(cosines, key=lambda label: cosines[label], default=None)
        if best is not None and cosines[best] >= self.similarity:
            return best
        if self.limit is None or len(present) < self.limit:
            new = int(self.labels.max()) + 1
            self.divided.append((wanted, new))
            return new
        return best

    def _seconds(self, group: NDArray[np.bool_]) -> float:
        return float(self.local.seconds[group].sum())
