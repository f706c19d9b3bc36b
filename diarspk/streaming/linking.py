"""Linking of the local speakers of a window to the speakers of the session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.session_model import Groups, pool
from diarspk.diarization.local_speakers import ACTIVE
from diarspk.diarization.subsegments import LENGTH_S
from diarspk.streaming.speaker_memory import NOBODY, SpeakerMemory
from diarspk.streaming.window_view import WindowView

__all__ = ["LiveLinker", "LiveLinkingSettings"]

Labels = NDArray[np.int64]

IMPOSSIBLE = -1e6


@dataclass(frozen=True)
class LiveLinkingSettings:
    """Settings of :class:`LiveLinker`; ratios are natural logarithms.

    Attributes
    ----------
    continuity : float
        Log-likelihood ratio that a local speaker has in favour of the speaker as whom all of it
        was final already.
    new_ratio : float
        Log-likelihood ratio to every speaker below which a local speaker is a new one.
    min_new_s : float
        Minimum speech of a new speaker, unless there is none yet.
    min_learned_s : float
        Minimum speech of a subsegment that is remembered.
    learned_after_s : float
        Seconds that were received after a subsegment before it is remembered.
    cluster_every : float
        Effective windows of new speech after which all is clustered again.
    """

    continuity: float = 3.0
    new_ratio: float = -2.0
    min_new_s: float = 0.6
    min_learned_s: float = 0.3
    learned_after_s: float = 1.0
    cluster_every: float = 2.0


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

    def link(self, view: WindowView, final: dict[int, NDArray[np.bool_]]) -> Labels:
        """Speaker of each local speaker, ``(speakers,)``; -1 for nobody.

        Parameters
        ----------
        view
            The window.
        final
            Frames of the window in which each speaker talks, as far as that is final: ``(frames,)``
            each.
        """
        memory, session = self.memory, self.memory.model.session
        labels = np.full(view.activity.shape[1], NOBODY, np.int64)
        talking = view.talking
        if not len(talking):
            return labels
        own = self._groups(view, talking)
        numbers, groups, _ = memory.groups()
        scores = np.full((len(talking), len(numbers) + len(talking)), IMPOSSIBLE)
        for row, local in enumerate(talking.tolist()):
            group = own[row]
            if len(numbers):
                ratios = np.zeros(1) if group is None else session.log_ratios(group, groups)
                continuity = self._continuity(view, local, numbers, final)
                scores[row, : len(numbers)] = ratios + continuity
            if group is not None and self._may_be_new(view, local):
                scores[row, len(numbers) + row] = self.settings.new_ratio
        labels[talking] = self._choose(scores, numbers)
        for local, group in zip(talking.tolist(), own, strict=True):
            if labels[local] != NOBODY and group is not None:
                rows = view.owner == local
                vector = view.seconds[rows] @ view.embeddings[rows].astype(np.float64)
                memory.seed(int(labels[local]), group, vector)
        return labels

    def learn(self, view: WindowView, labels: Labels, hop: float, step: int) -> None:
        """Remember the subsegments that enough was received after.

        Parameters
        ----------
        view, labels
            The window, and the speaker of each local speaker.
        hop
            Seconds between frames.
        step
            Frames from one subsegment to the next.
        """
        settings, memory = self.settings, self.memory
        half = round((LENGTH_S / 2 + settings.learned_after_s) / hop)
        ready = (view.centre > self.learned) & (
            view.centre + half <= view.first + len(view.activity)
        )
        ready &= (view.seconds >= settings.min_learned_s) & (labels[view.owner] != NOBODY)
        rows = np.flatnonzero(ready)
        rows = rows[np.argsort(view.centre[rows], kind="stable")]
        if not len(rows):
            return
        means = memory.model.project(view.embeddings[rows])
        counts = memory.model.windows(view.seconds[rows])
        for place, row in enumerate(rows.tolist()):
            memory.learn(
                int(labels[view.owner[row]]),
                int(view.centre[row]),
                step,
                Groups(means[place : place + 1], counts[place : place + 1]),
                view.seconds[row] * view.embeddings[row].astype(np.float64),
            )
        self.learned = int(view.centre[rows[-1]])

    def cluster(self) -> list[tuple[int, int]]:
        """Cluster again when there is enough new speech; return merges."""
        if self.memory.unclustered < self.settings.cluster_every:
            return []
        return self.memory.cluster()

    def _groups(self, view: WindowView, talking: Labels) -> list[Groups | None]:
        """Subsegments of each local speaker, pooled; None where it has none."""
        found: list[Groups | None] = []
        model = self.memory.model
        for local in talking:
            rows = view.owner == local
            if not rows.any():
                found.append(None)
                continue
            means = model.project(view.embeddings[rows])
            counts = model.windows(view.seconds[rows])
            found.append(pool(means, counts, np.zeros(len(means), np.int64)))
        return found

    def _may_be_new(self, view: WindowView, local: int) -> bool:
        """Whether a local speaker has speech enough for a speaker of its own."""
        memory = self.memory
        seconds = view.seconds[view.owner == local].sum() / memory.model.settings.overlap
        enough = seconds >= self.settings.min_new_s or not len(memory.alive)
        return bool(enough) and not memory.is_full

    def _continuity(
        self,
        view: WindowView,
        local: int,
        numbers: Labels,
        final: dict[int, NDArray[np.bool_]],
    ) -> NDArray[np.float64]:
        active = view.activity[:, local] > ACTIVE
        shares = np.zeros(len(numbers))
        for column, number in enumerate(numbers.tolist()):
            if number in final:
                shares[column] = (active & final[number]).sum() / active.sum()
        return self.settings.continuity * shares

    def _choose(self, scores: NDArray[np.float64], numbers: Labels) -> Labels:
        """One speaker for each local speaker, a new one where that fits best."""
        from scipy.optimize import linear_sum_assignment

        labels = np.full(len(scores), NOBODY, np.int64)
        rows, columns = linear_sum_assignment(-scores)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if scores[row, column] <= IMPOSSIBLE:
                if len(numbers):  # more local speakers than there may be speakers
                    labels[row] = numbers[scores[row, : len(numbers)].argmax()]
            elif column < len(numbers):
                labels[row] = numbers[column]
            else:
                labels[row] = self.memory.add()
        return labels
