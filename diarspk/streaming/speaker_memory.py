"""Speakers of a session so far: what is remembered of their voices, in bounded memory.

Subsegments that are of one speaker are kept with their embeddings. Every few seconds of speech all
of them are clustered again, by the clusterer of offline diarization; so what was taken for one
person may turn out to be two, and two to be one. When there are too many, the older ones are pooled
with those of the same speaker that they are most similar to.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.session_model import Groups, pool
from diarspk.clustering.weighted_points import WeightedPoints
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.streaming.speaker_model import SpeakerModel

__all__ = ["NOBODY", "SpeakerMemory"]

Labels = NDArray[np.int64]
Matrix = NDArray[np.float64]

NOBODY = -1

MAX_ROWS = 256
"""Maximum number of rows that are remembered: two minutes of speech, and what was before them."""

POOLED_ROWS = 192
"""Rows that are left when there were too many."""

RECENT_ROWS = 96
"""The latest rows, which are not pooled."""

KNOWN_WINDOWS = 6.0
"""Windows that the embedding of a known speaker counts as."""

MIN_NEW_WINDOWS = 3.0
"""Windows of a cluster that becomes a speaker of its own when all is clustered again."""

MERGE_RATIO = 10.0
"""Log-likelihood ratio above which two speakers are merged if they are clustered together."""

SPLIT_RATIO = 0.0
"""Log-likelihood ratio to its speaker below which a cluster becomes a speaker of its own."""

SETTINGS = ("model", "max_speakers")
"""Attributes that a session is made with."""


class SpeakerMemory:
    """Rows of speech, each of one speaker, who is a number from 0.

    A row is a subsegment, or several of one speaker that were pooled.

    Parameters
    ----------
    model
        What tells speakers apart.
    max_speakers
        Maximum number of speakers.
    """

    def __init__(self, model: SpeakerModel, max_speakers: int | None) -> None:
        self.model, self.max_speakers = model, max_speakers
        dimension, features = model.plda.dimension, len(model.plda.between)
        self.means: Matrix = np.zeros((0, dimension))  # of unit embeddings
        self.features: Matrix = np.zeros((0, features))  # the same, projected
        self.weights: Matrix = np.zeros(0)  # subsegments
        self.seconds: Matrix = np.zeros(0)  # of speech, in all subsegments
        self.owner: Labels = np.zeros(0, np.int64)
        self.speakers = 0  # numbers that were given so far
        self.alive: Labels = np.zeros(0, np.int64)
        self.known: Labels = np.zeros(0, np.int64)  # the first rows are theirs
        self.seeds: dict[int, tuple[Matrix, float]] = {}  # speakers who have no row yet
        self.unclustered = 0.0  # seconds of speech since the last clustering

    def enroll(self, vectors: Matrix) -> Labels:
        """Add known speakers by unit vectors ``(n, dim)``; return their numbers."""
        self.known = np.array([self.add() for _ in vectors], np.int64)
        seconds = KNOWN_WINDOWS * self.model.settings.window_s
        for speaker, vector in zip(self.known.tolist(), vectors, strict=True):
            self._append(speaker, vector, KNOWN_WINDOWS, seconds)
        return self.known

    def add(self) -> int:
        """Add a speaker of whom nothing is known yet."""
        self.speakers += 1
        self.alive = np.append(self.alive, self.speakers - 1)
        return self.speakers - 1

    @property
    def is_full(self) -> bool:
        """Whether there may be no more speakers; known ones count when they have spoken."""
        if self.max_speakers is None:
            return False
        spoken = {*self.owner[len(self.known) :].tolist(), *self.seeds}
        return len(spoken) >= self.max_speakers

    def groups(self) -> tuple[Labels, Groups, Matrix]:
        """Speakers with something to tell them by, their groups, and their unit centroids."""
        seeds = list(self.seeds.values())
        owner = np.concatenate([self.owner, list(self.seeds)]).astype(np.int64)
        numbers, rows = np.unique(owner, return_inverse=True)
        counts = self._counts()
        if not len(numbers):
            return numbers, Groups(self.features, counts), self.means
        features, seconds = self.features, self.seconds
        means = self.means
        if seeds:
            vectors = np.stack([vector for vector, _ in seeds])
            spoken = np.array([one for _, one in seeds])
            features = np.concatenate([features, self.model.project(vectors)])
            means, seconds = np.concatenate([means, vectors]), np.concatenate([seconds, spoken])
            settings = self.model.settings
            share = np.maximum(spoken / settings.window_s, 0.1 / settings.overlap)
            counts = np.concatenate([counts, share])
        centroids = np.zeros((len(numbers), means.shape[1]))
        np.add.at(centroids, rows, seconds[:, None] * means)
        return numbers, pool(features, counts, rows), normalize_rows(centroids)

    def seed(self, speaker: int, vector: Matrix, seconds: float) -> None:
        """Remember a speaker who has no row yet by a unit vector ``(dim,)`` of the last window."""
        if speaker not in self.owner:
            self.seeds[speaker] = (vector, seconds)

    def learn(self, speaker: int, vector: Matrix, seconds: float) -> None:
        """Add a subsegment, by its unit vector ``(dim,)`` and the seconds of speech in it."""
        self.seeds.pop(speaker, None)
        self._append(speaker, vector, 1.0, seconds)
        self.unclustered += seconds / self.model.settings.overlap

    def _append(self, speaker: int, vector: Matrix, weight: float, seconds: float) -> None:
        self.means = np.concatenate([self.means, vector[None]])
        self.features = np.concatenate([self.features, self.model.project(vector[None])])
        self.weights = np.append(self.weights, weight)
        self.seconds = np.append(self.seconds, seconds)
        self.owner = np.append(self.owner, speaker)

    def cluster(self) -> list[tuple[int, int]]:
        """Cluster all rows again; return merges, (speaker, the same person)."""
        self.unclustered = 0.0
        if len(self.owner) < 2:
            return []
        known = len(self.known)
        highest = len(self.owner) if self.max_speakers is None else self.max_speakers
        points = WeightedPoints(
            self.means,
            self.weights,
            self.seconds,
            1,
            min(max(highest, known), len(self.owner)),
            np.stack(np.triu_indices(known, 1), axis=1),
        )
        merged = self._relabel(self.model.cluster(points))
        if len(self.owner) > MAX_ROWS:
            self._pool()
        return merged

    def _relabel(self, labels: Labels) -> list[tuple[int, int]]:
        """Give each cluster to the speaker who has most of it, and each speaker one cluster."""
        from scipy.optimize import linear_sum_assignment

        numbers, columns = np.unique(self.owner, return_inverse=True)
        table = np.zeros((int(labels.max()) + 1, len(numbers)))
        np.add.at(table, (labels, columns), self.weights)
        for row in range(len(self.known)):  # whatever else is there, it is that person's
            table[labels[row], columns[row]] += 1e6
        rows, chosen = linear_sum_assignment(-table)
        speaker_of = {
            row: int(numbers[column])
            for row, column in zip(rows.tolist(), chosen.tolist(), strict=True)
            if table[row, column] > 0
        }
        groups = pool(self.features, self._counts(), columns)
        split = pool(self.features, self._counts(), labels)
        for cluster in np.argsort(-table.sum(axis=1), kind="stable").tolist():
            enough = table[cluster].sum() >= MIN_NEW_WINDOWS
            if cluster in speaker_of or not enough or self.is_full:
                continue
            speaker = int(numbers[table[cluster].argmax()])
            own = [one for one, number in speaker_of.items() if number == speaker]
            if not own or self._ratio(split, cluster, own[0]) < SPLIT_RATIO:
                speaker_of[cluster] = self.add()
        merged, kept = [], set()
        for column, number in enumerate(numbers.tolist()):
            other = speaker_of.get(int(table[:, column].argmax()))
            if number in speaker_of.values() or other is None:
                continue
            place = np.flatnonzero(numbers == other)
            if len(place) and self._ratio(groups, column, int(place[0])) < MERGE_RATIO:
                kept.add(number)
                continue
            merged.append((number, other))
            self.alive = self.alive[self.alive != number]
            self.owner[self.owner == number] = other
        for row, cluster in enumerate(labels.tolist()):
            if self.owner[row] not in kept:
                self.owner[row] = speaker_of.get(cluster, int(self.owner[row]))
        return merged

    def _counts(self) -> Matrix:
        """Effective number of windows of each row."""
        return self.model.windows(self.seconds / np.maximum(self.weights, 1.0)) * self.weights

    def _ratio(self, groups: Groups, row: int, other: int) -> float:
        """Log-likelihood ratio of two groups."""
        one, two = groups.subset(np.array([row])), groups.subset(np.array([other]))
        return float(self.model.session.log_ratios(one, two)[0])

    def _pool(self) -> None:
        """Pool old rows with the most similar one of the same speaker, until there is room."""
        first, last = len(self.known), len(self.owner) - RECENT_ROWS
        unit = normalize_rows(self.means[first:last])
        similarity = unit @ unit.T
        owner = self.owner[first:last]
        similarity[owner[:, None] != owner] = -np.inf
        similarity[np.tril_indices(len(unit))] = -np.inf
        kept = np.ones(len(self.owner), np.bool_)
        while kept.sum() > POOLED_ROWS and np.isfinite(similarity.max()):
            one, other = np.unravel_index(similarity.argmax(), similarity.shape)
            self._join(first + int(one), first + int(other))
            kept[first + other] = False
            # Each row takes part once: the similarity of a pooled one is not known.
            for row in (one, other):
                similarity[row], similarity[:, row] = -np.inf, -np.inf
        for name in ("means", "features", "weights", "seconds", "owner"):
            setattr(self, name, getattr(self, name)[kept])

    def _join(self, row: int, other: int) -> None:
        """Add another row to a row."""
        weights = self.weights[[row, other]]
        for name in ("means", "features"):
            rows = getattr(self, name)
            rows[row] = weights @ rows[[row, other]] / weights.sum()
        self.weights[row] += self.weights[other]
        self.seconds[row] += self.seconds[other]

    def state(self) -> dict[str, Any]:
        """Return what a session goes on from."""
        state = {name: value for name, value in vars(self).items() if name not in SETTINGS}
        state["seeds"] = [[one, vector, spoken] for one, (vector, spoken) in self.seeds.items()]
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        for name, value in state.items():
            setattr(self, name, value)
        self.seeds = {one: (vector, spoken) for one, vector, spoken in state["seeds"]}
