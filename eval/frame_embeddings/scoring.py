"""Whether frames lie near the voices of those who talk in them, and pairs near each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.verification.metrics import equal_error_rate
from eval.frame_embeddings.labels import Flags, FrameLabels, Frames, Halves

__all__ = ["Answers", "Figures", "Pairs", "classify", "draw_pairs", "join_figures", "score_pairs"]

APART_S = 2.0

Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of frames of one recording, ``(pairs,)`` each.

    The ``first`` frame is of the kind that is asked about, the ``second`` is clean and at least
    two seconds away; ``same`` where its speaker talks in the first.
    """

    first: Frames
    second: Frames
    same: Flags


@dataclass(frozen=True, eq=False)
class Answers:
    """Decisions and scores of one recording and kind of frame."""

    right: Flags
    scores: NDArray[np.float64]
    same: Flags


@dataclass(frozen=True)
class Figures:
    """Shares in [0, 1] over all recordings; None where nothing could be asked."""

    frames: int
    accuracy: float | None
    pairs: int
    equal_error_rate: float | None


def classify(
    vectors: Vectors,
    chosen: Flags,
    labels: FrameLabels,
    halves: Sequence[Halves],
    centroids: NDArray[np.float32],
) -> Flags:
    """Whether the nearest centroid of each ``chosen`` frame is of one who talks in it.

    A frame is compared with the centroid of that half of each speaker's clean frames which lies
    beyond the speaker's middle, so never with one that it is part of. Frames in which somebody
    without centroids talks are left out, and those in which all who have them talk: no answer would
    be wrong.

    Parameters
    ----------
    vectors
        Unit vectors ``(frames, dim)``.
    centroids
        Unit vectors of the earlier and the later half of each speaker, ``(halves, 2, dim)``.
    """
    known = [each.speaker for each in halves]
    unknown = np.delete(np.arange(labels.active.shape[1]), known)
    asked = ~labels.active[:, unknown].any(1) & ~labels.active[:, known].all(1)
    frames = np.flatnonzero(chosen & asked)
    if len(known) < 2 or not len(frames):
        return np.zeros(0, bool)
    middles = np.array([each.late[0] for each in halves])
    cosines = np.einsum("fd,hsd->fhs", vectors[frames], centroids)
    later = frames[:, None] < middles  # these are asked for the later half
    nearest = np.where(later, cosines[..., 1], cosines[..., 0]).argmax(1)
    right: Flags = labels.active[frames, np.array(known)[nearest]]
    return right


def draw_pairs(
    labels: FrameLabels, kind: str, hop: float, count: int, generator: np.random.Generator
) -> Pairs:
    """Draw at most ``count`` pairs, half of them of the same speaker where there are such."""
    clean = [labels.clean_frames(speaker) for speaker in range(labels.active.shape[1])]
    frames = np.flatnonzero(labels.kind[kind])
    drawn = []
    for number in range(count if len(frames) else 0):
        first, same = int(generator.choice(frames)), number % 2 == 0
        speakers = np.flatnonzero(labels.active[first] == same)
        far = [own[np.abs(own - first) * hop >= APART_S] for own in (clean[s] for s in speakers)]
        if far := [own for own in far if len(own)]:
            second = generator.choice(far[generator.integers(len(far))])
            drawn.append((first, int(second), same))
    table = np.array(drawn, np.int64).reshape(-1, 3)
    if len(set(table[:, 2].tolist())) < 2:  # one kind of pair has no error rate
        table = table[:0]
    return Pairs(table[:, 0], table[:, 1], table[:, 2].astype(bool))


def score_pairs(vectors: Vectors, pairs: Pairs) -> NDArray[np.float64]:
    """Cosines ``(pairs,)`` of unit vectors ``(frames, dim)``."""
    first, second = vectors[pairs.first].astype(np.float64), vectors[pairs.second]
    cosines: NDArray[np.float64] = np.einsum("pd,pd->p", first, second)
    return cosines


def join_figures(answers: Sequence[Answers]) -> Figures:
    """Pool recordings: each frame and each pair counts the same."""
    right = np.concatenate([each.right for each in answers])
    scores = np.concatenate([each.scores for each in answers])
    same = np.concatenate([each.same for each in answers])
    return Figures(
        len(right),
        float(right.mean()) if len(right) else None,
        len(same),
        equal_error_rate(scores, same) if len(same) else None,
    )
