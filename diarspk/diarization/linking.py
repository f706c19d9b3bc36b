"""Link the local speakers of all windows into the speakers of the recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from diarspk.clustering.adaptation import UNADAPTED, Adaptation, NonSpeechCluster
from diarspk.clustering.agglomerative import AgglomerativeClusterer
from diarspk.clustering.clusterer import Clusterer
from diarspk.clustering.clustering_input import ClusteringInput
from diarspk.clustering.speaker_bounds import UNBOUNDED, SpeakerBounds
from diarspk.diarization.constraints import (
    NOTHING_KNOWN,
    Knowledge,
    LocalRows,
    Pairs,
    anchor_pairs,
    span_pairs,
)
from diarspk.diarization.first_pass import LocalSpeakers
from diarspk.embeddings.unit_vectors import centroids

__all__ = [
    "Linking",
    "LinkingConfig",
    "join_speakers",
    "link",
    "link_by_subsegments",
    "rejoin",
]

Labels = NDArray[np.int64]

CONVINCING_S = 2.0
"""Seconds of speech from which an embedding is as good as it gets."""

PROPOSER = AgglomerativeClusterer(threshold=0.5)
"""Clusters the local speakers that propose how to cluster the subsegments."""

PROPOSER_RELIABLE_S = 1.0
"""Seconds of speech of those local speakers."""

FEWEST_FOR_PROPOSAL = 100
"""Subsegments, from 48 s of speech on, for which local speakers propose anything."""


@dataclass(frozen=True)
class LinkingConfig:
    """How local speakers are linked.

    Attributes
    ----------
    adaptation : Adaptation
        Of the embeddings to the session.
    non_speech : NonSpeechCluster, optional
        Whether a cluster of non-speech takes part.
    known_similarity : float
        Cosine from which an embedding is surely that of a known speaker.
    """

    adaptation: Adaptation = UNADAPTED
    non_speech: NonSpeechCluster | None = None
    known_similarity: float = 0.4


@dataclass(frozen=True, eq=False)
class Linking:
    """Speakers of the recording.

    Attributes
    ----------
    labels : NDArray of int64, shape (windows, speakers)
        Speaker of every local speaker, 0..k-1; -1 for those who do not talk.
    count_scores : mapping of int to float
        See :class:`diarspk.clustering.Clustering`.
    """

    labels: Labels
    count_scores: Mapping[int, float] = field(default_factory=dict)


def link(
    local: LocalSpeakers,
    clusterer: Clusterer,
    bounds: SpeakerBounds,
    *,
    reliable_s: float,
    config: LinkingConfig | None = None,
    knowledge: Knowledge = NOTHING_KNOWN,
    non_speech: NDArray[np.float32] | None = None,
) -> Linking:
    """Say which speaker of the recording every local speaker is.

    Local speakers with ``reliable_s`` seconds of speech or more are clustered; two of one window
    are never the same person, unless the caller says so. The others then join the nearest speaker,
    one each per window.

    Parameters
    ----------
    non_speech : array, shape (m, dim), optional
        Embeddings for the cluster of non-speech, if the settings ask for one.
    """
    config = config or LinkingConfig()
    labels = np.full(local.seconds.shape, -1, np.int64)
    talking = local.seconds > 0
    if not talking.any():
        return Linking(labels)
    chosen = talking & (local.seconds >= reliable_s)
    if chosen.sum() < bounds.needed:
        chosen = talking
    rows = LocalRows(*np.nonzero(chosen))
    pairs = span_pairs(local, rows, _same_window(rows.windows), knowledge)
    embeddings = local.embeddings[rows.windows, rows.speakers].astype(np.float64)
    anchors = knowledge.directions(embeddings.shape[1])
    pairs = anchor_pairs(embeddings, anchors, config.known_similarity, pairs)
    noise = np.zeros((0, embeddings.shape[1]))
    if config.non_speech is not None and non_speech is not None:
        noise = config.non_speech.choose(non_speech).astype(np.float64)
    seconds = local.seconds[rows.windows, rows.speakers]
    found, scores = _cluster(embeddings, seconds, noise, clusterer, bounds, config, pairs)
    labels[rows.windows, rows.speakers] = found
    talking[rows.windows[found < 0], rows.speakers[found < 0]] = False
    _join_rest(local, labels, talking)
    return Linking(labels, scores)


def link_by_subsegments(
    local: LocalSpeakers,
    clusterer: Clusterer,
    bounds: SpeakerBounds,
    *,
    config: LinkingConfig | None = None,
    knowledge: Knowledge = NOTHING_KNOWN,
) -> Linking | None:
    """Cluster the subsegments, then say which of their speakers every local speaker is.

    Subsegments come at even steps and have one speaker each, as the HMM of VBx wants it; and they
    are of one voice even where a local speaker is of two. A known speaker whom no cluster is like
    gets the local speakers who surely are that person. Non-speech and pairs of spans play no part.

    Returns
    -------
    Linking, optional
        None where the bounds cannot be met so, for want of subsegments or of local speakers.
    """
    config = config or LinkingConfig()
    short, talking = local.subsegments, local.seconds > 0
    if short is None or not talking.any():
        return None
    clean = short.seconds > 0
    if clean.sum() < max(bounds.needed, 2):
        return None
    embeddings = short.embeddings[clean]
    found = clusterer.cluster(
        ClusteringInput(
            config.adaptation(embeddings),
            bounds=bounds,
            durations=short.seconds[clean],
            initial_labels=_initial_labels(local, embeddings),
        )
    )
    directions = centroids(embeddings, found.labels)
    anchors = knowledge.directions(embeddings.shape[1])
    spare = None if bounds.limit is None else max(bounds.limit - len(directions), 0)
    missed = _unlike(anchors, directions, config.known_similarity)[:spare]
    least = np.repeat([-1.0, config.known_similarity], [len(directions), len(missed)])
    labels = np.full(local.seconds.shape, -1, np.int64)
    join_speakers(local, labels, talking, np.concatenate([directions, missed]), least)
    present, numbered = np.unique(labels[talking], return_inverse=True)
    if len(present) < bounds.needed:
        return None
    labels[talking] = numbered
    return Linking(labels, dict(found.count_scores))


def _initial_labels(local: LocalSpeakers, embeddings: NDArray[np.float32]) -> list[Labels]:
    """Speakers of subsegments ``(n, dim)`` by the local speaker clusters that they are nearest to.

    A local speaker has more speech than a subsegment, and is never in one cluster with another of
    its window; but a short recording has too few of them to tell how many people talk.
    """
    if len(embeddings) < FEWEST_FOR_PROPOSAL:
        return []
    linked = link(local, PROPOSER, UNBOUNDED, reliable_s=PROPOSER_RELIABLE_S).labels
    speakers = range(int(linked.max(initial=-1)) + 1)
    directions = np.stack([local.centroid(linked == speaker) for speaker in speakers])
    nearest: Labels = (embeddings @ directions.T).argmax(axis=1).astype(np.int64)
    return [nearest]


def rejoin(local: LocalSpeakers, labels: Labels, dropped: Labels) -> Labels:
    """Give the local speakers of dropped speakers to the nearest of the others.

    Labels of the others stay as they are.
    """
    kept = np.where(np.isin(labels, dropped), -1, labels)
    present, numbered = np.unique(kept[kept >= 0], return_inverse=True)
    joined = np.full_like(labels, -1)
    joined[kept >= 0] = numbered
    _join_rest(local, joined, labels >= 0)
    renamed: Labels = np.where(joined >= 0, present[joined], -1)
    return renamed


def _cluster(
    embeddings: NDArray[np.float64],
    seconds: NDArray[np.float64],
    noise: NDArray[np.float64],
    clusterer: Clusterer,
    bounds: SpeakerBounds,
    config: LinkingConfig,
    pairs: Pairs,
) -> tuple[Labels, dict[int, float]]:
    """Labels ``(n,)`` of the rows, -1 for what clusters with `noise` ``(m, dim)``, and scores."""
    extra = 1 if len(noise) else 0
    count, total = len(embeddings), len(embeddings) + len(noise)
    chain = np.stack([np.arange(count, total - 1), np.arange(count + 1, total)], axis=1)
    found = clusterer.cluster(
        ClusteringInput(
            config.adaptation(np.concatenate([embeddings, noise])),
            bounds=bounds.plus(extra),
            durations=np.concatenate([seconds, np.ones(len(noise))]),
            must_link=np.concatenate([pairs.must, chain]) if extra else pairs.must,
            cannot_link=pairs.cannot,
        )
    )
    labels = found.labels[:count]
    if not extra:
        return labels, dict(found.count_scores)
    spoken = labels != found.labels[count]
    if len(np.unique(labels[spoken])) < bounds.needed:  # never at the price of the speakers
        return _cluster(embeddings, seconds, noise[:0], clusterer, bounds, config, pairs)
    numbered = np.full(count, -1, np.int64)
    numbered[spoken] = np.unique(labels[spoken], return_inverse=True)[1]
    scores = {number - 1: score for number, score in found.count_scores.items() if number > 1}
    sums = sum(scores.values())
    return numbered, {number: score / sums for number, score in scores.items()}


def _same_window(windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of rows that belong to one window, ``(pairs, 2)``; rows come sorted by window."""
    edges = np.flatnonzero(np.diff(windows, prepend=-1, append=-1))
    pairs = [
        pair
        for first, last in pairwise(edges)
        for pair in combinations(range(int(first), int(last)), 2)
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _join_rest(local: LocalSpeakers, labels: Labels, talking: NDArray[np.bool_]) -> None:
    """Give each unlabelled local speaker the nearest speaker not yet named in its window."""
    rest = talking & (labels < 0)
    named = labels >= 0
    if rest.any() and named.any():
        join_speakers(local, labels, rest, centroids(local.embeddings[named], labels[named]))


def _unlike(
    anchors: NDArray[np.float64], directions: NDArray[np.float64], similarity: float
) -> NDArray[np.float64]:
    """Anchors ``(k, dim)`` to which none of the directions, one for each, is similar."""
    cosines = anchors @ directions.T
    matched = [
        row
        for row, column in zip(*linear_sum_assignment(-cosines), strict=True)
        if cosines[row, column] >= similarity
    ]
    return np.delete(anchors, matched, axis=0)


def join_speakers(
    local: LocalSpeakers,
    labels: Labels,
    rest: NDArray[np.bool_],
    directions: NDArray[np.float64],
    least: float | NDArray[np.float64] = -1.0,
) -> None:
    """Label the local speakers ``rest`` by the nearest of ``directions``, one each per window.

    Of two who are nearest to the same, the one who talks more has the say, up to `CONVINCING_S`.
    Nobody is like a direction whose cosine is less than ``least``, of each or of all.
    """
    weights = np.minimum(local.seconds, CONVINCING_S)
    for window in np.flatnonzero(rest.any(1)):
        rows = np.flatnonzero(rest[window])
        cosines = local.embeddings[window, rows] @ directions.T  # (rows, speakers)
        similarity = np.where(cosines < least, -1.0, cosines)
        taken = labels[window][labels[window] >= 0]
        similarity[:, taken] -= 2.0  # the last resort
        gains = similarity * weights[window, rows][:, None]
        assigned, columns = linear_sum_assignment(-gains)
        labels[window, rows[assigned]] = columns
        left = np.setdiff1d(np.arange(len(rows)), assigned)
        labels[window, rows[left]] = similarity[left].argmax(1)
