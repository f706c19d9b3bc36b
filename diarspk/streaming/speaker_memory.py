"""Speakers of a session so far: what is remembered of their voices, in bounded memory.

Speech that was received is kept as segments: means of embeddings in the space of the session PLDA,
with their effective number of windows. Every few seconds of speech all segments are clustered
again, bottom-up by the likelihood ratio, as offline (:mod:`diarspk.clustering.ratio_merging`); so
what was taken for one person may turn out to be two, and two to be one. When there are too many
segments, those that are the same speaker most surely are pooled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.ratio_merging import merge_by_ratio
from diarspk.clustering.session_model import Groups, pool
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.streaming.speaker_model import SpeakerModel

__all__ = ["NOBODY", "SpeakerMemory"]

Labels = NDArray[np.int64]
Matrix = NDArray[np.float64]

NOBODY = -1

MAX_SEGMENTS = 128
"""Segments that are remembered."""

POOLED_SEGMENTS = 96
"""Segments that are left when there were too many."""

KNOWN_WINDOWS = 2.0
"""Effective windows that the embedding of a known speaker counts as."""

MIN_NEW_WINDOWS = 1.0
"""Effective windows of a cluster that becomes a speaker of its own when all is clustered again."""


class SpeakerMemory:
    """Segments of speech, each of a speaker, who is a number from 0.

    Parameters
    ----------
    model
        Evidence.
    max_speakers
        Maximum number of speakers.
    """

    def __init__(self, model: SpeakerModel, max_speakers: int | None) -> None:
        self.model, self.max_speakers = model, max_speakers
        dimension, features = model.plda.dimension, len(model.plda.between)
        self.means: Matrix = np.zeros((0, features))
        self.counts: Matrix = np.zeros(0)
        self.sums: Matrix = np.zeros((0, dimension))  # of unit embeddings, weighted by seconds
        self.owner: Labels = np.zeros(0, np.int64)
        self.last: Labels = np.zeros(0, np.int64)  # frame of the stretch of the last subsegment
        self.speakers = 0  # numbers that were given so far
        self.alive: Labels = np.zeros(0, np.int64)
        self.seeds: dict[int, tuple[Matrix, float, Matrix]] = {}
        self.known: Labels = np.zeros(0, np.int64)  # speakers who are known from elsewhere
        self.known_means: Matrix = np.zeros((0, features))
        self.known_vectors: Matrix = np.zeros((0, dimension))
        self.unclustered = 0.0  # effective windows since the last clustering

    def enroll(self, vectors: Matrix) -> Labels:
        """Add known speakers by unit vectors ``(n, dim)``; return their numbers."""
        numbers = np.array([self.add() for _ in vectors], np.int64)
        self.known = np.concatenate([self.known, numbers])
        self.known_means = np.concatenate([self.known_means, self.model.project(vectors)])
        self.known_vectors = np.concatenate([self.known_vectors, vectors])
        return numbers

    def add(self) -> int:
        """Add a speaker of whom nothing is known yet."""
        self.speakers += 1
        self.alive = np.append(self.alive, self.speakers - 1)
        return self.speakers - 1

    @property
    def is_full(self) -> bool:
        """Whether there may be no more speakers."""
        return self.max_speakers is not None and len(self.alive) >= self.max_speakers

    def groups(self) -> tuple[Labels, Groups, Matrix]:
        """Speakers with something to tell them by, their groups, and their unit centroids."""
        owner = np.concatenate([self.owner, self.known, list(self.seeds)]).astype(np.int64)
        seeds = list(self.seeds.values())
        means = np.concatenate([self.means, self.known_means, *(one[0][None] for one in seeds)])
        known = np.full(len(self.known), KNOWN_WINDOWS)
        counts = np.concatenate([self.counts, known, [one[1] for one in seeds]])
        sums = np.concatenate([self.sums, self.known_vectors, *(one[2][None] for one in seeds)])
        numbers, rows = np.unique(owner, return_inverse=True)
        if not len(numbers):
            return numbers, Groups(means, counts), sums
        centroids = np.zeros((len(numbers), sums.shape[1]))
        np.add.at(centroids, rows, sums)
        return numbers, pool(means, counts, rows), normalize_rows(centroids)

    def seed(self, speaker: int, group: Groups, vector: Matrix) -> None:
        """Remember a speaker who has no segment yet by the window ``(1, d)`` it is received in."""
        if speaker not in self.owner and speaker not in self.known:
            self.seeds[speaker] = (group.means[0], float(group.counts[0]), vector)

    def learn(self, speaker: int, centre: int, step: int, windows: Groups, vector: Matrix) -> None:
        """Add a subsegment ``(1, d)`` at the frame `centre`, with its weighted embedding."""
        self.seeds.pop(speaker, None)
        mean, count = windows.means, float(windows.counts[0])
        self.unclustered += count
        own = np.flatnonzero((self.owner == speaker) & (self.last == centre - step))
        if len(own):
            row = own[-1:]
            held = Groups(self.means[row], self.counts[row])
            small = self.counts[row[0]] + count <= self.model.settings.max_segment
            if small and self.model.session.log_ratios(held, windows)[0] > 0:
                total = self.counts[row[0]] + count
                self.means[row] = (self.counts[row[0]] * self.means[row] + count * mean) / total
                self.counts[row], self.last[row] = total, centre
                self.sums[row] += vector
                return
        self.means = np.concatenate([self.means, mean])
        self.counts = np.append(self.counts, count)
        self.sums = np.concatenate([self.sums, vector[None]])
        self.owner = np.append(self.owner, speaker)
        self.last = np.append(self.last, centre)

    def forget_places(self) -> None:
        """Forget where the segments lie: another stretch begins."""
        self.last = np.full_like(self.last, -1_000_000)

    def cluster(self) -> list[tuple[int, int]]:
        """Cluster all segments again; return merges, (speaker, the same person)."""
        self.unclustered = 0.0
        if len(self.counts) < 2:
            return []
        owners = np.concatenate([self.owner, self.known])
        means = np.concatenate([self.means, self.known_means])
        counts = np.concatenate([self.counts, np.full(len(self.known), KNOWN_WINDOWS)])
        known = len(self.counts) + np.arange(len(self.known))
        pairs = np.stack(np.triu_indices(len(known), 1), axis=1) + len(self.counts)
        path = merge_by_ratio(Groups(means, counts), self.model.session, -np.inf, cannot_link=pairs)
        below = np.flatnonzero(path.ratios <= self.model.settings.threshold)
        merges = int(below[0]) if len(below) else len(path.ratios)
        if self.max_speakers is not None:
            merges = max(merges, min(len(counts) - self.max_speakers, len(path.ratios)))
        labels = path.cut(merges)
        merged = self._relabel(labels, owners, counts, known)
        if len(self.counts) > MAX_SEGMENTS:
            self._pool(path.cut(len(counts) - POOLED_SEGMENTS - len(known))[: len(self.counts)])
        return merged

    def _relabel(
        self, labels: Labels, owners: Labels, counts: Matrix, known: Labels
    ) -> list[tuple[int, int]]:
        """Give each cluster to the speaker who has most of it, and each speaker one cluster."""
        from scipy.optimize import linear_sum_assignment

        numbers, rows = np.unique(owners, return_inverse=True)
        table = np.zeros((int(labels.max()) + 1, len(numbers)))
        np.add.at(table, (labels, rows), counts)
        for row in known:  # a known speaker is in its own cluster, whatever else is
            table[labels[row], rows[row]] += 1e6
        chosen = dict(zip(*map(np.ndarray.tolist, linear_sum_assignment(-table)), strict=True))
        speaker_of = {
            cluster: int(numbers[column])
            for cluster, column in chosen.items()
            if table[cluster, column] > 0
        }
        for cluster in range(len(table)):
            enough = table[cluster].sum() >= MIN_NEW_WINDOWS
            if cluster not in speaker_of and enough and not self.is_full:
                speaker_of[cluster] = self.add()
        merged = []
        for column, number in enumerate(numbers.tolist()):
            if number in speaker_of.values() or number not in self.alive:
                continue
            other = speaker_of.get(int(table[:, column].argmax()))
            if other is not None:
                merged.append((number, other))
                self.alive = self.alive[self.alive != number]
                self.owner[self.owner == number] = other
        own = labels[: len(self.owner)]
        for row, cluster in enumerate(own.tolist()):
            self.owner[row] = speaker_of.get(cluster, int(self.owner[row]))
        return merged

    def _pool(self, labels: Labels) -> None:
        """Pool segments of one label, who are surely one speaker."""
        labels = np.unique(labels, return_inverse=True)[1]
        groups = pool(self.means, self.counts, labels)
        sums = np.zeros((len(groups), self.sums.shape[1]))
        np.add.at(sums, labels, self.sums)
        largest = np.lexsort((-self.counts, labels))
        first = largest[np.searchsorted(labels[largest], np.arange(len(groups)))]
        last = np.full(len(groups), -1_000_000)
        np.maximum.at(last, labels, self.last)
        self.means, self.counts, self.sums = groups.means, groups.counts, sums
        self.owner, self.last = self.owner[first], last

    def state(self) -> dict[str, Any]:
        """Return what a session goes on from."""
        state = {name: value for name, value in vars(self).items() if name not in SETTINGS}
        seeds = sorted(self.seeds)
        state["seeds"] = {
            "speakers": np.array(seeds, np.int64),
            "means": np.array([self.seeds[one][0] for one in seeds]),
            "counts": np.array([self.seeds[one][1] for one in seeds]),
            "vectors": np.array([self.seeds[one][2] for one in seeds]),
        }
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        for name, value in state.items():
            if name != "seeds":
                setattr(self, name, value)
        stored = state["seeds"]
        rows = (stored["means"], stored["counts"].tolist(), stored["vectors"])
        self.seeds = dict(zip(stored["speakers"].tolist(), zip(*rows, strict=True), strict=True))


SETTINGS = ("model", "max_speakers")
"""Attributes that a session is made with."""
