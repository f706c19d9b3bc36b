"""Linking of the local speakers of a window to the speakers of the session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.session_model import Groups, pool
from diarspk.diarization.assignment import match_rows
from diarspk.diarization.local_speakers import ACTIVE
from diarspk.diarization.subsegments import LENGTH_S
from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.streaming.speaker_memory import NOBODY, SpeakerMemory
from diarspk.streaming.window_view import WindowView

__all__ = ["LiveLinker", "LiveLinkingSettings"]

Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]

MIN_CONTINUITY = 5
"""Minimum final frames of a local speaker from which on who it was counts wholly."""

IMPOSSIBLE = -1e6
"""Score of what must not be chosen."""


@dataclass(frozen=True)
class LiveLinkingSettings:
    """Settings of :class:`LiveLinker`.

    Attributes
    ----------
    recent_s : float
        Seconds up to the present whose subsegments tell who a local speaker is: within ten seconds
        one local speaker may be two people, at the end of them hardly.
    continuity : float
        Log-likelihood ratio that a local speaker goes on to be who it was in its last final frames.
    continuity_s : float
        Seconds of final frames that count to that.
    new_ratio : float
        Log-likelihood ratio, by the session model, to the best speaker below which a local speaker
        is a new one.
    min_new_s : float
        Minimum speech of a new speaker, unless there is none yet.
    min_learned_s : float
        Minimum speech of a subsegment that is remembered.
    learned_after_s : float
        Seconds that were received after a subsegment before it is remembered.
    min_share : float
        Minimum share of its speech in which a subsegment is of the speaker it is remembered for.
    cluster_every_s : float
        Seconds of new speech after which all is clustered again.
    """

    recent_s: float = 2.0
    continuity: float = 5.0
    continuity_s: float = 2.0
    new_ratio: float = 0.0
    min_new_s: float = 0.6
    min_learned_s: float = 0.3
    learned_after_s: float = 1.0
    min_share: float = 0.6
    cluster_every_s: float = 2.0


class LiveLinker:
    """Tells who the local speakers of a window are, and remembers how they sound.

    Parameters
    ----------
    memory
        Speakers of the session.
    settings
        Thresholds.
    hop
        Seconds between frames.
    """

    def __init__(self, memory: SpeakerMemory, settings: LiveLinkingSettings, hop: float) -> None:
        self.memory, self.settings, self.hop = memory, settings, hop
        self.learned = -1  # frame of the last subsegment that is remembered, in this stretch

    def link(self, view: WindowView, known: Mapping[int, Mask], final: int) -> Labels:
        """Find the speaker of each local speaker who talks after what is final.

        The assignment maximises the sum of log-likelihood ratios, by the session model, that they
        are one speaker, one for each local speaker; whoever is like nobody is somebody new.

        Parameters
        ----------
        view
            The window.
        known
            Final frames of each speaker in it, ``(frames,)``.
        final
            Frames of the window that are final.

        Returns
        -------
        NDArray of int64, shape (speakers,)
            Speakers by number; -1 for nobody.
        """
        memory, settings = self.memory, self.settings
        talking = view.activity > ACTIVE
        labels = np.full(talking.shape[1], NOBODY, np.int64)
        since = view.first + len(talking) - round(settings.recent_s / self.hop)
        numbers, groups, _ = memory.groups()
        present = [
            _describe(view, local, since, memory)
            for local in np.flatnonzero(talking[final:].any(axis=0)).tolist()
        ]
        if not present:
            return labels
        scores = np.zeros((len(present), len(numbers)))
        new = np.full((len(present), len(present)), IMPOSSIBLE)
        last = slice(max(final - round(settings.continuity_s / self.hop), 0), final)
        for row, one in enumerate(present):
            if len(numbers) and one.seconds:
                scores[row] = memory.model.session.log_ratios(one.group, groups)
            own = talking[last, one.number]
            for speaker, mask in known.items():
                share = (mask[last] & own).sum() / max(own.sum(), MIN_CONTINUITY)
                scores[row, numbers == speaker] += settings.continuity * share
            if one.seconds and (one.seconds >= settings.min_new_s or not len(numbers)):
                new[row, row] = settings.new_ratio
        chosen = match_rows(np.concatenate([scores, new], axis=1) - 2 * IMPOSSIBLE)
        for row, column in zip(*chosen, strict=True):
            if column < len(numbers):
                labels[present[row].number] = numbers[column]
            elif new[row, column - len(numbers)] > IMPOSSIBLE and not memory.is_full:
                labels[present[row].number] = memory.add()
        for row, one in enumerate(present):
            if labels[one.number] == NOBODY and len(numbers):
                labels[one.number] = numbers[scores[row].argmax()]
            if labels[one.number] != NOBODY and one.seconds:
                memory.seed(int(labels[one.number]), one.vector, one.seconds)
        return labels

    def learn(self, view: WindowView, active: Mask, speakers: Sequence[int]) -> None:
        """Remember the subsegments that enough was received after.

        Parameters
        ----------
        view
            The window.
        active, speakers
            Who talks in it, ``(frames, speakers)``, and their numbers.
        """
        settings, end = self.settings, view.first + len(view.activity)
        half = round(LENGTH_S / 2 / self.hop)
        ready = view.centre > self.learned
        ready &= view.centre + half + round(settings.learned_after_s / self.hop) <= end
        rows = np.flatnonzero(ready & (view.seconds >= settings.min_learned_s))
        for row in rows[np.argsort(view.centre[rows], kind="stable")].tolist():
            centre = int(view.centre[row]) - view.first
            span = slice(max(centre - half, 0), centre + half)
            own = view.activity[span, view.owner[row]] > ACTIVE
            shares = (active[span] & own[:, None]).sum(axis=0) / max(own.sum(), 1)
            if len(shares) and shares.max() >= settings.min_share:
                speaker, vector = speakers[int(shares.argmax())], view.embeddings[row]
                self.memory.learn(speaker, vector.astype(np.float64), float(view.seconds[row]))
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


def _describe(view: WindowView, local: int, since: int, memory: SpeakerMemory) -> _Local:
    """Describe a local speaker by its subsegments around the frames from `since` on."""
    model, rows = memory.model, (view.owner == local) & (view.centre >= since)
    counts = model.windows(view.seconds[rows])
    features = model.project(view.embeddings[rows])
    total = view.seconds[rows].astype(np.float64) @ view.embeddings[rows]
    return _Local(
        local,
        unit_vector(total.astype(np.float64)),
        pool(features, counts, np.zeros(len(counts), np.int64)),
        float(view.seconds[rows].sum()) / model.settings.overlap,
    )
