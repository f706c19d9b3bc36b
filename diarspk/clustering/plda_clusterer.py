"""Clustering by evidence: from many short segments to speakers, with one law at every length."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from diarspk.blocks import blocks
from diarspk.clustering.clusterer import Clustering, PartitionClusterer
from diarspk.clustering.plda import Plda
from diarspk.clustering.ratio_merging import MergePath, join_neighbours, merge_by_ratio
from diarspk.clustering.repeated_audio import count_copies
from diarspk.clustering.session_model import Groups, SessionModel, pool
from diarspk.clustering.speaker_decoding import decode
from diarspk.clustering.weighted_points import WeightedPoints
from diarspk.errors import ArgumentError

__all__ = ["PldaClusterer", "PldaClustererSettings"]

Labels = NDArray[np.int64]
Matrix = NDArray[np.float64]

BLOCK_WINDOWS = 2000
"""Windows whose surest merges are made before all others: time is the windows times this."""

MIN_SHARE = 0.1
"""Minimum share of a full window that a window counts as."""

MIN_SECOND_VOICE = 2.0
"""Effective windows of all others below which a recording is of one voice: three seconds."""


@dataclass(frozen=True)
class PldaClustererSettings:
    """Settings of :class:`PldaClusterer`; times are those of its windows.

    Attributes
    ----------
    drift, noise : float
        See :class:`diarspk.clustering.session_model.SessionModel`.
    threshold : float
        Log-likelihood ratio above which two groups of windows are one speaker.
    certain : float
        The same for merges that are made before the rest of a long recording is seen.
    max_segment : float
        Maximum effective number of windows of the segments that merging starts from: long enough to
        tell a voice by, too short for a change of speakers that nothing else has shown.
    loop_probability : float
        Probability that the next window has the same speaker, when windows are decoded.
    window_s : float
        Seconds of speech in a full window: a window with half of that has twice the noise.
    overlap : float
        Windows that a moment of speech lies in: length over step.
    copy_share : float
        See :func:`diarspk.clustering.repeated_audio.count_copies`.
    centring : float
        Share of the mean embedding that is subtracted where all seems to be one voice.
    """

    drift: float = 0.08
    noise: float = 1.1
    threshold: float = 0.0
    certain: float = 20.0
    max_segment: float = 4.0
    loop_probability: float = 0.9
    window_s: float = 1.5
    overlap: float = 1.5 / 0.48
    copy_share: float = 0.35
    centring: float = 0.3

    def __post_init__(self) -> None:
        """Check the settings."""
        for name in ("drift", "noise", "max_segment", "window_s"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"`{name}` must be above 0, got {getattr(self, name)}.")
        for name in ("loop_probability", "centring"):
            if not 0 <= getattr(self, name) < 1:
                raise ArgumentError(
                    f"`{name}` must be at least 0 and below 1, got {getattr(self, name)}."
                )
        if not self.overlap >= 1:
            raise ArgumentError(f"`overlap` must be at least 1, got {self.overlap}.")


@dataclass(frozen=True)
class PldaClusterer(PartitionClusterer):
    """Bottom-up clustering by the log-likelihood ratio of "one speaker" to "two".

    1. Every window counts by the speech in it that no other window has: overlapping windows share
       theirs, and what is in the recording several times counts once.
    2. Neighbouring windows of one speaker join into segments.
    3. The two groups that are one speaker most surely merge, until no pair is
       (:mod:`diarspk.clustering.session_model`): no number of speakers, and no length, is built in.
    4. Windows are decoded by the speakers found, each a priori as probable as any other, and
       speakers who have become alike merge.

    What all windows have in common may be one voice, or one microphone. So where only one voice is
    found, a part of the mean embedding is subtracted and all is done again; the result stands if
    its speakers take turns.

    A given count ends the merging earlier or later. So a further speaker is first the group of
    windows that was the least like the one that it joined.

    Attributes
    ----------
    plda : Plda
        PLDA of the encoder that made the embeddings.
    settings : PldaClustererSettings
        Settings.
    exact_up_to : int
        As for every clusterer. Default: practically any number of windows.
    """

    use_initial_labels: ClassVar[bool] = False

    plda: Plda
    settings: PldaClustererSettings = PldaClustererSettings()
    exact_up_to: int = field(default=1_000_000, kw_only=True)

    @cached_property
    def model(self) -> SessionModel:
        """Model of the evidence, in the space of the PLDA."""
        return SessionModel(self.plda.between, self.settings.drift, self.settings.noise)

    def partition(self, points: WeightedPoints) -> Clustering:
        """Merge segments by evidence as far as the bounds allow, and decode the windows."""
        labels = self._find(points)
        if points.max_speakers > 1 and self._is_one_voice(points, labels):
            further = self._find(points.centred(self.settings.centring))
            if _take_turns(further):
                labels = further
        return Clustering(labels, {int(labels.max()) + 1: 1.0})

    def _find(self, points: WeightedPoints) -> Labels:
        windows = self._weigh(points)
        segments, membership = self._join(windows, points)
        labels = self._merge(segments, points, membership)[membership]
        labels = self._decode(windows, labels, points.min_speakers)
        speakers = pool(windows.means, windows.weights, labels)
        return self._merge(speakers, points, labels)[labels]

    def _merge(self, groups: Groups, points: WeightedPoints, membership: Labels) -> Labels:
        """Merge what is one speaker, or as many groups as the bounds allow."""
        pairs = _between(points.cannot_link, membership)
        path = merge_by_ratio(groups, self.model, -np.inf, cannot_link=pairs)
        return self._cut(path, points)

    def _is_one_voice(self, points: WeightedPoints, labels: Labels) -> bool:
        """Whether nobody but one has more than a few windows."""
        shares = np.bincount(labels, points.weights)
        return bool(shares.sum() - shares.max() < MIN_SECOND_VOICE * self.settings.overlap)

    def candidates(self, points: WeightedPoints) -> tuple[Clustering, Labels]:
        """See :class:`PartitionClusterer`; merging has met an exact count already.

        By any measure of compactness a cut through a main speaker pays more than a brief one.
        """
        own = self.partition(points)
        return own, own.labels

    def _weigh(self, points: WeightedPoints) -> Groups:
        """Features of the points and the effective number of windows of each."""
        settings, features = self.settings, self.plda.project(points.means)
        counts = points.weights / settings.overlap
        if points.durations is not None:
            share = points.durations / (points.weights * settings.window_s)
            counts = counts * np.clip(share, MIN_SHARE, 1.0)
        copies = count_copies(
            features, noise=settings.noise, share=settings.copy_share, overlap=settings.overlap
        )
        return Groups(features, counts, counts / copies)

    def _join(self, windows: Groups, points: WeightedPoints) -> tuple[Groups, Labels]:
        """Segments, and the segment of each window; a long recording's surest merges are made."""
        if len(points.cannot_link) or len(windows) <= points.min_speakers:
            return windows, np.arange(len(windows))
        settings, found = self.settings, np.zeros(len(windows), np.int64)
        total = 0
        parts: list[Groups] = []
        for rows in blocks(len(windows), BLOCK_WINDOWS):
            part = windows.subset(np.arange(rows.start, rows.stop))
            labels = join_neighbours(part, self.model, settings.threshold, settings.max_segment)
            segments = pool(part.means, part.counts, labels)
            shares = np.bincount(labels, part.weights).astype(np.float64)
            segments = Groups(segments.means, segments.counts, shares)
            if len(windows) > BLOCK_WINDOWS:
                sure = merge_by_ratio(segments, self.model, settings.certain).end
                segments, labels = segments.merged(sure), sure[labels]
            found[rows] = total + labels
            total += len(segments)
            parts.append(segments)
        if total < points.min_speakers:
            return windows, np.arange(len(windows))
        return _concatenate(parts), found

    def _cut(self, path: MergePath, points: WeightedPoints) -> Labels:
        """Labels after the merges of one speaker, or after as many as the bounds allow."""
        below = np.flatnonzero(path.ratios <= self.settings.threshold)
        merges = int(below[0]) if len(below) else len(path.ratios)
        merges = max(merges, path.groups - points.max_speakers)
        return path.cut(max(min(merges, path.groups - points.min_speakers), 0))

    def _decode(self, windows: Groups, labels: Labels, min_speakers: int) -> Labels:
        """Most probable speaker of each window; the old labels where too few would be left."""
        speakers, found = pool(windows.means, windows.weights, labels), np.empty_like(labels)
        for rows in blocks(len(windows), 5 * BLOCK_WINDOWS):
            part = Groups(windows.means[rows], windows.counts[rows])
            found[rows] = decode(part, speakers, self.model, self.settings.loop_probability).argmax(
                axis=1
            )
        present, numbered = np.unique(found, return_inverse=True)
        return labels if len(present) < min_speakers else numbered.astype(np.int64)


def _concatenate(parts: list[Groups]) -> Groups:
    means, counts, shares = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("means", "counts", "weights")
    )
    return Groups(means, counts, shares)


def _take_turns(labels: Labels) -> bool:
    """Whether two speakers each come back after the other: people answer, a room changes once."""
    order = labels[np.flatnonzero(np.diff(labels, prepend=-1))]  # a row for each turn
    speakers, turns = np.unique(order, return_counts=True)
    return len(speakers) > 1 and int(np.sort(turns)[-2]) >= 2 and len(order) >= 4


def _between(pairs: Labels, labels: Labels) -> Labels:
    """Pairs of different labels that pairs of rows make."""
    linked = labels[pairs]
    return linked[linked[:, 0] != linked[:, 1]]
