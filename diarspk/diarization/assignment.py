"""Assignment of local speakers to the speakers of the recording, window by window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.clusterer import Clustering
from diarspk.diarization.local_speakers import LocalSpeakers
from diarspk.embeddings.unit_vectors import centroids as centroids_of

__all__ = [
    "assign_rest",
    "assign_to_centroids",
    "give_to_cut",
    "keep_speakers",
    "match_rows",
    "reassign",
]

Labels = NDArray[np.int64]

RELIABLE_S = 2.0
"""Seconds of speech from which an embedding is as good as it gets."""

MIN_ALONE_S = 1.0
"""Seconds that a local speaker talks alone from which on its embedding can say that it is the same
person as another one of its window; in overlap it is mostly of the louder one."""

TIE = 1e-9
"""Sums of gains this close are equally good: their order is that of rounding."""


def assign_to_centroids(
    local: LocalSpeakers,
    labels: Labels,
    rest: NDArray[np.bool_],
    centroids: NDArray[np.float64],
    min_similarity: float | NDArray[np.float64] = -1.0,
    *,
    same_voice_margin: float | None = None,
) -> Labels:
    """Label the local speakers ``rest`` by the most similar centroid, one each per window.

    Of two who are most similar to the same centroid, the one who talks more (up to `RELIABLE_S`)
    takes precedence: the assignment of each window maximises the sum of cosine times seconds.

    Parameters
    ----------
    local
        Local speakers.
    labels, rest
        Labels so far, -1 for nobody, and who is to be labelled: ``(windows, speakers)``.
    centroids
        ``(speakers, dim)``, unit norm.
    min_similarity
        Minimum cosine to each centroid, or to all; nothing below it counts as similar.
    same_voice_margin
        See :class:`~diarspk.diarization.config.LinkingConfig`.

    Returns
    -------
    NDArray of int64, shape (windows, speakers)
    """
    labels, weights = labels.copy(), np.minimum(local.seconds, RELIABLE_S)
    for window in np.flatnonzero(rest.any(1)):
        rows = np.flatnonzero(rest[window])
        cosines = local.embeddings[window, rows] @ centroids.T  # (rows, speakers)
        similarity = np.where(cosines < min_similarity, -1.0, cosines)
        taken = labels[window][labels[window] >= 0]
        similarity[:, taken] -= 2.0  # below any cosine: only where nobody else is left
        matched, columns = match_rows(similarity * weights[window, rows][:, None])
        labels[window, rows[matched]] = columns
        unmatched = np.setdiff1d(np.arange(len(rows)), matched)
        labels[window, rows[unmatched]] = similarity[unmatched].argmax(1)
        if same_voice_margin is not None:
            alone = local.seconds_alone(int(window))[rows] >= MIN_ALONE_S
            nearest, order = cosines.argmax(1), np.arange(len(rows))
            lost = cosines[order, nearest] - cosines[order, labels[window, rows]]
            split = alone & (lost > same_voice_margin)
            labels[window, rows[split]] = nearest[split]
    return labels


def give_to_cut(local: LocalSpeakers, labels: Labels, centres: Labels, found: Clustering) -> Labels:
    """Give each speaker who was cut off another one local speaker, and no more.

    Two centroids of one voice are about as near to all its local speakers, so that a wrong cut
    would draw half of them along.

    Parameters
    ----------
    local, labels
        Local speakers, and the label of each without the cuts.
    centres
        Frame in the middle of each subsegment, ``(n,)``.
    found
        Their clustering.

    Returns
    -------
    NDArray of int64, shape (windows, speakers)
        The local speaker is the one with the largest part of its subsegments in the cut.
    """
    given, length = labels.copy(), local.activity.shape[1]
    shares = np.full((*labels.shape, len(found.cut_from)), -1.0)
    for window, row in np.argwhere(labels >= 0).tolist():
        first, last = np.searchsorted(centres, local.first[window] + np.array([0, length]))
        activity = local.activity[window, centres[first:last] - local.first[window], row]
        for number, cut in enumerate(found.cut_from):
            own = activity[found.labels[first:last] == cut].sum()
            shares[window, row, number] = own / max(float(activity.sum()), 1e-9)
    for number, cut in enumerate(found.cut_from):
        given.flat[shares[..., number].argmax()] = cut
    return given


def keep_speakers(
    local: LocalSpeakers, labels: Labels, centroids: NDArray[np.float64], needed: int
) -> Labels:
    """Give speakers whom no local speaker is nearest to one each, until so many are needed.

    It is the local speaker who loses the least similarity by it, of those whose speaker has others:
    who says a second is in a window with somebody else.
    """
    labels = labels.copy()
    windows, rows = np.nonzero(labels >= 0)
    cosines = local.embeddings[windows, rows] @ centroids.T  # (local speakers, speakers)
    for missing in np.setdiff1d(np.arange(len(centroids)), labels):
        counts = np.bincount(labels[windows, rows], minlength=len(centroids))
        if (counts > 0).sum() >= needed:
            break
        own = labels[windows, rows]
        loss = cosines[np.arange(len(own)), own] - cosines[:, missing]
        loss[counts[own] < 2] = np.inf
        if not np.isfinite(loss).any():
            break
        chosen = int(loss.argmin())
        labels[windows[chosen], rows[chosen]] = missing
    return labels


def assign_rest(local: LocalSpeakers, labels: Labels, talking: NDArray[np.bool_]) -> Labels:
    """Label whoever talks without a label by the nearest speaker not yet in its window."""
    labelled = labels >= 0
    rest = talking & ~labelled
    if not rest.any() or not labelled.any():
        return labels
    known = centroids_of(local.embeddings[labelled], labels[labelled])
    return assign_to_centroids(local, labels, rest, known)


def reassign(local: LocalSpeakers, labels: Labels, dropped: Labels) -> Labels:
    """Give the local speakers of dropped speakers to the nearest of the others.

    Labels of the others stay as they are.
    """
    remaining = np.where(np.isin(labels, dropped), -1, labels)
    present, numbered = np.unique(remaining[remaining >= 0], return_inverse=True)
    compact = np.full_like(labels, -1)
    compact[remaining >= 0] = numbered
    compact = assign_rest(local, compact, labels >= 0)
    return np.where(compact >= 0, present[compact], -1)


def match_rows(gains: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the one-to-one matching with the maximum sum of gains.

    Up to two rows, as nearly all windows have, need no solver, and scipy.optimize is slow to
    import. Where several matchings are equally good, scipy decides.
    """
    rows, columns = np.nonzero(gains == gains.max(axis=1, keepdims=True, initial=-np.inf))
    if len(rows) == len(gains) == len(np.unique(columns)):
        return rows, columns  # everybody gets the best column, without a tie
    if len(gains) == 2 and gains.shape[1] > 1:
        sums = gains[0, :, None] + gains[1]
        np.fill_diagonal(sums, -np.inf)
        if np.count_nonzero(sums >= sums.max() - TIE) == 1:
            return np.arange(2), np.array(np.unravel_index(sums.argmax(), sums.shape))
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(-gains)
    return rows, columns
