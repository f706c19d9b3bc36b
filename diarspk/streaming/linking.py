"""Linking of the local speakers of a window to the speakers of the session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.session_model import Groups, pool
from diarspk.diarization.assignment import match_rows
from diarspk.diarization.subsegments import LENGTH_S
from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.streaming.speaker_memory import NOBODY, SpeakerMemory
from diarspk.streaming.window_view import WindowView

__all__ = ["LiveLinker", "LiveLinkingSettings"]

Labels = NDArray[np.int64]

RELIABLE_S = 2.0
"""Seconds of speech from which an embedding is as good as it gets."""


@dataclass(frozen=True)
class LiveLinkingSettings:
    """Settings of :class:`LiveLinker`.

    Attributes
    ----------
    new_ratio : float
        Log-likelihood ratio, by the session model, to the best speaker below which a local speaker
        is a new one.
    min_new_s : float
        Minimum speech of a new speaker, unless there is none yet.
    min_learned_s : float
        Minimum speech of a subsegment that is remembered.
    learned_after_s : float
        Seconds that were received after a subsegment before it is remembered.
    cluster_every_s : float
        Seconds of new speech after which all is clustered again.
    """

    new_ratio: float = 0.0
    min_new_s: float = 0.6
    min_learned_s: float = 0.3
    learned_after_s: float = 1.0
    cluster_every_s: float = 2.0


class LiveLinker:
    """Tells who the local speakers of a window are, and remembers how they sound.

    Parameters
    ----------
    memory
        Speakers of the session.
    settings
        Thresholds.
    """

    def __init__(self, memory: SpeakerMemory, settings: LiveLinkingSettings) -> None:
        self.memory, self.settings = memory, settings
        self.learned = -1  # frame of the last subsegment that is remembered, in this stretch

    def link(self, view: WindowView) -> Labels:
        """Find the speaker of each local speaker, ``(speakers,)``; -1 for nobody.

        As offline, the assignment maximises the sum of cosine times seconds, one speaker for each
        local speaker of the window.
        """
        memory = self.memory
        labels = np.full(view.activity.shape[1], NOBODY, np.int64)
        locals_ = [_describe(view, local, memory) for local in view.talking.tolist()]
        if not locals_:
            return labels
        numbers, groups, centroids = memory.groups()
        gains = np.zeros((len(locals_), len(numbers)))
        ratios = np.full(gains.shape, -np.inf)
        for row, one in enumerate(locals_):
            if len(numbers) and one.seconds:
                gains[row] = centroids @ one.vector * min(one.seconds, RELIABLE_S)
                ratios[row] = memory.model.session.log_ratios(one.group, groups)
        if len(numbers):
            for row, column in zip(*match_rows(gains), strict=True):
                labels[locals_[row].number] = numbers[column]
        for row, one in enumerate(locals_):
            label = labels[one.number]
            # Who is left over was told apart from all who are known: somebody else, too.
            ratio = -np.inf if label == NOBODY else ratios[row, numbers == label][0]
            enough = one.seconds >= self.settings.min_new_s or not len(numbers)
            if one.seconds and enough and not memory.is_full and ratio < self.settings.new_ratio:
                labels[one.number] = memory.add()
            elif label == NOBODY and len(numbers):
                labels[one.number] = numbers[gains[row].argmax()]
            if labels[one.number] != NOBODY and one.seconds:
                memory.seed(int(labels[one.number]), one.vector, one.seconds)
        return labels

    def learn(self, view: WindowView, labels: Labels, hop: float) -> None:
        """Remember the subsegments that enough was received after.

        Parameters
        ----------
        view, labels
            The window, and the speaker of each local speaker.
        hop
            Seconds between frames.
        """
        settings, end = self.settings, view.first + len(view.activity)
        half = round((LENGTH_S / 2 + settings.learned_after_s) / hop)
        ready = (view.centre > self.learned) & (view.centre + half <= end)
        ready &= (view.seconds >= settings.min_learned_s) & (labels[view.owner] != NOBODY)
        rows = np.flatnonzero(ready)
        for row in rows[np.argsort(view.centre[rows], kind="stable")].tolist():
            speaker, vector = int(labels[view.owner[row]]), view.embeddings[row].astype(np.float64)
            self.memory.learn(speaker, vector, float(view.seconds[row]))
        if len(rows):
            self.learned = int(view.centre[rows].max())

    def cluster(self) -> list[tuple[int, int]]:
        """Cluster again when there is enough new speech; return merges."""
        if self.memory.unclustered < self.settings.cluster_every_s:
            return []
        return self.memory.cluster()


@dataclass(frozen=True, eq=False)
class _Local:
    """Local speaker by number, its unit vector ``(dim,)``, group and seconds of speech alone."""

    number: int
    vector: NDArray[np.float64]
    group: Groups
    seconds: float


def _describe(view: WindowView, local: int, memory: SpeakerMemory) -> _Local:
    model, rows = memory.model, view.owner == local
    counts = model.windows(view.seconds[rows])
    features = model.project(view.embeddings[rows])
    total = view.seconds[rows].astype(np.float64) @ view.embeddings[rows]
    return _Local(
        local,
        unit_vector(total.astype(np.float64)),
        pool(features, counts, np.zeros(len(counts), np.int64)),
        float(view.seconds[rows].sum()) / model.settings.overlap,
    )
