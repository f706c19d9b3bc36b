"""Clustering by evidence: from many short segments to speakers, with one law at every length."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from diarspk.blocks import blocks
from diarspk.clustering.clusterer import Clustering, PartitionClusterer
from diarspk.clustering.common_part import common_part, reduce_common_part
from diarspk.clustering.plda import Plda
from diarspk.clustering.ratio_merging import MergePath, join_neighbours, merge_by_ratio
from diarspk.clustering.repeated_audio import count_copies
from diarspk.clustering.session_model import Groups, SessionModel, pool
from diarspk.clustering.speaker_decoding import decode
from diarspk.clustering.weighted_points import WeightedPoints
from diarspk.errors import ArgumentError

__all__ = ["PldaClusterer", "PldaClustererSettings", "SegmentedWindows"]

Labels = NDArray[np.int64]
Matrix = NDArray[np.float64]

BLOCK_WINDOWS = 2000
"""Windows whose surest merges are made before all others: time is the windows times this."""

MAX_ROUNDS = 3
"""Times that windows are clustered while they have too much in common."""

EXPLAINED, EXCESS = 0.8, 1.8
"""Common part, in shares of what speakers as found would have, that needs no microphone to explain
it, and that is too large even after the most of a microphone has been taken off."""

MIN_SHARE = 0.1
"""Minimum share of a full window that a window counts as."""


@dataclass(frozen=True, eq=False)
class SegmentedWindows:
    """Windows of a recording, and the segments that their neighbours have joined into.

    Attributes
    ----------
    windows, segments : Groups
    membership : NDArray, shape (n,)
        Segment of each window.
    """

    windows: Groups
    segments: Groups
    membership: Labels


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
    common_part : float
        Limit of what the voices have in common (:mod:`diarspk.clustering.common_part`), in shares
        of what two would have who talk as often at about the same time as the segmentation finds.
    dialogue : float
        Share of short stretches from which on it does.
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
    common_part: float = 0.6
    dialogue: float = 0.3

    def __post_init__(self) -> None:
        """Check the settings."""
        for name in ("drift", "noise", "max_segment", "window_s", "common_part"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"`{name}` must be above 0, got {getattr(self, name)}.")
        if not 0 <= self.loop_probability < 1:
            raise ArgumentError(
                f"`loop_probability` must be at least 0 and below 1, got {self.loop_probability}."
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

    What all windows have in common may be one voice, or one microphone. Where the segmentation
    finds several people, and the speakers found do not explain it, somebody who talks nearly all
    the time above all, so much of the mean embedding is subtracted that little is left of it, and
    more where the speakers found then should have less in common.

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
        labels = self.solve_session(points)[1]
        return Clustering(labels, {int(labels.max()) + 1: 1.0})

    def segment(self, points: WeightedPoints) -> SegmentedWindows:
        """Weigh the windows, and join neighbours of one speaker into segments."""
        windows = self._weigh(points)
        return SegmentedWindows(windows, *self._join(windows, points))

    def may_share_microphone(self, points: WeightedPoints) -> bool:
        """Whether the segmentation finds dialogue, or has not been asked."""
        return points.dialogue is None or points.dialogue >= self.settings.dialogue

    def without_microphone(self, points: WeightedPoints, labels: Labels) -> WeightedPoints:
        """Take the most of the common part off, where voices `labels` found do not explain it.

        The common part of voices without a microphone in common is the chance that two moments of
        the recording are of one voice. Within the windows of the segmentation that chance is one
        where one person talks and a half where two do, and in all of the recording it is smaller.
        """
        settings = self.settings
        if points.dialogue is None or not self.may_share_microphone(points):
            return points
        shares = np.bincount(labels, points.weights) / points.weights.sum()
        expected, common = float((shares**2).sum()), common_part(points, self.plda)
        if len(shares) > 1 and common <= EXPLAINED * expected:
            return points
        limit = settings.common_part * (1.0 - 0.5 * min(points.dialogue, 1.0))
        if len(shares) > 1 and common > EXCESS * expected:
            limit = min(limit, expected)
        return reduce_common_part(points, self.plda, limit)

    def solve_session(self, points: WeightedPoints) -> tuple[SegmentedWindows, Labels]:
        """Segment and label the windows; again, while their common part is too large."""
        session, labels = self._solve_once(points)
        for _ in range(MAX_ROUNDS):
            reduced = self.without_microphone(points, labels)
            if reduced is points:
                break
            points = reduced
            session, labels = self._solve_once(points)
        return session, labels

    def _solve_once(self, points: WeightedPoints) -> tuple[SegmentedWindows, Labels]:
        session = self.segment(points)
        return session, self._label(points, session)

    def _label(self, points: WeightedPoints, session: SegmentedWindows) -> Labels:
        """Merge the segments as far as evidence and bounds want it, and decode the windows."""
        windows, membership = session.windows, session.membership
        labels = self._merge(session.segments, points, membership)[membership]
        labels = self._decode(windows, labels, points.min_speakers)
        speakers = pool(windows.means, windows.weights, labels)
        return self._merge(speakers, points, labels)[labels]

    def _merge(self, groups: Groups, points: WeightedPoints, membership: Labels) -> Labels:
        """Merge what is one speaker, or as many groups as the bounds allow."""
        pairs = _between(points.cannot_link, membership)
        path = merge_by_ratio(groups, self.model, -np.inf, cannot_link=pairs)
        return self._cut(path, points)

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


def _between(pairs: Labels, labels: Labels) -> Labels:
    """Pairs of different labels that pairs of rows make."""
    linked = labels[pairs]
    return linked[linked[:, 0] != linked[:, 1]]
