"""Linking: which speaker of the recording every local speaker is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.adaptation import Adaptation
from diarspk.clustering.agglomerative import AgglomerativeClusterer
from diarspk.clustering.clusterer import Clusterer, Clustering
from diarspk.clustering.clustering_input import ClusteringInput
from diarspk.clustering.speaker_bounds import UNBOUNDED, SpeakerBounds
from diarspk.diarization.assignment import (
    assign_rest,
    assign_to_centroids,
    keep_speakers,
    match_rows,
)
from diarspk.diarization.config import LinkingConfig
from diarspk.diarization.constraints import (
    UNCONSTRAINED,
    Constraints,
    LocalRows,
    Pairs,
    add_known_speakers,
    span_pairs,
)
from diarspk.diarization.local_speakers import LocalSpeakers
from diarspk.embeddings.unit_vectors import centroids

__all__ = [
    "Linking",
    "link_by_subsegments",
    "link_local_speakers",
    "name_known_speakers",
]

Labels = NDArray[np.int64]

INITIAL_CLUSTERER = AgglomerativeClusterer(threshold=0.5)
"""Clusters the local speakers from which initial labels of the subsegments are made."""

INITIAL_RELIABLE_S = 1.0
"""Minimum seconds of speech of those local speakers."""

MIN_SUBSEGMENTS = 100
"""Minimum number of subsegments (48 s of speech) with initial labels from local speakers."""


@dataclass(frozen=True, eq=False)
class Linking:
    """Speakers of the recording.

    Attributes
    ----------
    labels : NDArray of int64, shape (windows, speakers)
        Speaker of every local speaker, from 0; -1 for those who do not talk.
    count_scores : mapping of int to float
        Score of each number of speakers, see :class:`diarspk.clustering.Clustering`.
    names : mapping of int to str
        Names of some labels; the others are numbered by their first appearance.
    known : frozenset of str
        Names of known speakers, who are real however short they talk.
    count_posterior : mapping of int to float
        Probability of each number of people by the recording alone, likewise.
    bounds : SpeakerBounds
        What the caller has told of the number.
    """

    labels: Labels = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    count_scores: Mapping[int, float] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    count_posterior: Mapping[int, float] = field(default_factory=dict)
    bounds: SpeakerBounds = UNBOUNDED

    def without_gaps(self) -> Linking:
        """Renumber the speakers from 0, in their order.

        Later steps have a column for each label up to the highest; one that is nobody's would
        take speech from the others.
        """
        present, numbered = np.unique(self.labels[self.labels >= 0], return_inverse=True)
        labels = np.full_like(self.labels, -1)
        labels[self.labels >= 0] = numbered
        names = {
            number: self.names[label]
            for number, label in enumerate(present.tolist())
            if label in self.names
        }
        return replace(self, labels=labels, names=names)


def link_local_speakers(
    local: LocalSpeakers,
    clusterer: Clusterer,
    constraints: Constraints = UNCONSTRAINED,
    *,
    reliable_s: float,
    config: LinkingConfig | None = None,
    non_speech: NDArray[np.float32] | None = None,
) -> Linking:
    """Cluster the local speakers, each as a whole.

    Local speakers with `reliable_s` seconds of speech or more are clustered; two of one window are
    never the same person, unless the caller says so. The others then join the nearest speaker, one
    each per window.

    Parameters
    ----------
    non_speech : NDArray, shape (m, dim), optional
        Embeddings for the cluster of non-speech, if the settings ask for one.

    Raises
    ------
    ArgumentError
        If the constraints do not fit the recording.
    """
    config, talking = config or LinkingConfig(), local.talking
    labels = np.full(local.seconds.shape, -1, np.int64)
    if not talking.any():
        return Linking(labels)
    chosen = talking & (local.seconds >= reliable_s)
    if chosen.sum() < constraints.bounds.needed:
        chosen = talking
    rows = LocalRows(*np.nonzero(chosen))
    embeddings = local.embeddings[rows.windows, rows.speakers].astype(np.float64)
    pairs = span_pairs(local, rows, _same_window(rows.windows), constraints)
    enrolled = constraints.enrolled(embeddings.shape[1])
    pairs = add_known_speakers(embeddings, enrolled, config.known_similarity, pairs)
    speech = _Speech(embeddings, local.seconds[rows.windows, rows.speakers], pairs)
    found = None
    if config.non_speech is not None and non_speech is not None and len(non_speech):
        noise = config.non_speech.choose(non_speech).astype(np.float64)
        found = _cluster_beside(noise, speech, clusterer, constraints.bounds, config.adaptation)
    if found is None:
        found = _cluster(speech, clusterer, constraints.bounds, config.adaptation)
    labels[rows.windows, rows.speakers] = found.labels
    noisy = found.labels < 0
    talking[rows.windows[noisy], rows.speakers[noisy]] = False
    return Linking(assign_rest(local, labels, talking), dict(found.count_scores))


def link_by_subsegments(
    local: LocalSpeakers,
    clusterer: Clusterer,
    constraints: Constraints = UNCONSTRAINED,
    *,
    config: LinkingConfig | None = None,
) -> Linking | None:
    """Cluster the subsegments, then assign every local speaker to one of their speakers.

    Subsegments come at even steps and have one speaker each, as the HMM of VBx wants it; and they
    are of one speaker even where a local speaker is of two. A known speaker whom no cluster is
    similar to gets the local speakers who surely are that person. Non-speech and pairs of spans
    play no part.

    Returns
    -------
    Linking, optional
        None where the bounds cannot be met so, for want of subsegments or of local speakers.
    """
    config, bounds = config or LinkingConfig(), constraints.bounds
    short, talking = local.subsegments, local.talking
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
            dialogue=local.dialogue,
            initial_labels=_initial_labels(local, embeddings) if _takes_labels(clusterer) else (),
        )
    )
    clustered = centroids(embeddings, found.labels)
    enrolled = constraints.enrolled(embeddings.shape[1])
    spare = None if bounds.limit is None else max(bounds.limit - len(clustered), 0)
    missed = _dissimilar(enrolled, clustered, config.known_similarity)[:spare]
    # A known speaker without a cluster gets only who surely is that person.
    minimum = np.repeat([-1.0, config.known_similarity], [len(clustered), len(missed)])
    labels = np.full(local.seconds.shape, -1, np.int64)
    everyone = np.concatenate([clustered, missed])
    labels = assign_to_centroids(local, labels, talking, everyone, minimum)
    if len(np.unique(labels[talking])) < bounds.needed:
        labels = keep_speakers(local, labels, everyone, bounds.needed)
    present, numbered = np.unique(labels[talking], return_inverse=True)
    if len(present) < bounds.needed:
        return None
    labels[talking] = numbered
    return Linking(labels, dict(found.count_scores), count_posterior=dict(found.count_posterior))


def name_known_speakers(
    local: LocalSpeakers, labels: Labels, constraints: Constraints, similarity: float
) -> dict[int, str]:
    """Names of the speakers who are most similar to the known ones, each name once.

    Returns
    -------
    dict of int to str
        Of labels whose centroid has a cosine of `similarity` or more to the known speaker.
    """
    spoken = labels >= 0
    if not constraints.known_speakers or not spoken.any():
        return {}
    enrolled = constraints.enrolled(local.embeddings.shape[2])
    speakers = np.unique(labels[spoken])
    cosines = np.stack([local.centroid(labels == one) for one in speakers]) @ enrolled.T
    people = list(constraints.known_speakers)
    return {
        int(speakers[row]): people[column]
        for row, column in zip(*match_rows(cosines), strict=True)
        if cosines[row, column] >= similarity
    }


@dataclass(frozen=True, eq=False)
class _Speech:
    """Local speakers that are clustered: ``embeddings (n, dim)``, ``seconds (n,)`` and pairs."""

    embeddings: NDArray[np.float64]
    seconds: NDArray[np.float64]
    pairs: Pairs


def _cluster(
    speech: _Speech, clusterer: Clusterer, bounds: SpeakerBounds, adaptation: Adaptation
) -> Clustering:
    return clusterer.cluster(
        ClusteringInput(
            adaptation(speech.embeddings),
            bounds=bounds,
            durations=speech.seconds,
            cannot_link=speech.pairs.cannot,
            must_link=speech.pairs.must,
        )
    )


def _cluster_beside(
    noise: NDArray[np.float64],
    speech: _Speech,
    clusterer: Clusterer,
    bounds: SpeakerBounds,
    adaptation: Adaptation,
) -> Clustering | None:
    """Cluster speech and non-speech ``(m, dim)`` together, then drop the cluster of non-speech.

    Returns
    -------
    Clustering, optional
        Labels of speech, -1 for rows that cluster with non-speech; None where fewer speakers than
        needed would be left.
    """
    count, total = len(speech.embeddings), len(speech.embeddings) + len(noise)
    chain = np.stack([np.arange(count, total - 1), np.arange(count + 1, total)], axis=1)
    pairs = Pairs(np.concatenate([speech.pairs.must, chain]), speech.pairs.cannot)
    together = _Speech(
        np.concatenate([speech.embeddings, noise]),
        np.concatenate([speech.seconds, np.ones(len(noise))]),
        pairs,
    )
    found = _cluster(together, clusterer, bounds.plus(1), adaptation)
    labels = found.labels[:count]
    spoken = labels != found.labels[count]
    if len(np.unique(labels[spoken])) < bounds.needed:
        return None
    numbered = np.full(count, -1, np.int64)
    numbered[spoken] = np.unique(labels[spoken], return_inverse=True)[1]
    scores = {number - 1: score for number, score in found.count_scores.items() if number > 1}
    total_score = sum(scores.values())
    return Clustering(numbered, {number: score / total_score for number, score in scores.items()})


def _takes_labels(clusterer: Clusterer) -> bool:
    """Whether initial labels, which take time, may be of use."""
    return bool(getattr(clusterer, "use_initial_labels", True))


def _initial_labels(local: LocalSpeakers, embeddings: NDArray[np.float32]) -> list[Labels]:
    """Label subsegments ``(n, dim)`` by the nearest cluster of local speakers.

    A local speaker has more speech than a subsegment, and is never in one cluster with another of
    its window; but a short recording has too few of them to tell how many people talk.
    """
    if len(embeddings) < MIN_SUBSEGMENTS:
        return []
    linked = link_local_speakers(local, INITIAL_CLUSTERER, reliable_s=INITIAL_RELIABLE_S).labels
    nearest: Labels = (embeddings @ local.centroids(linked).T).argmax(axis=1).astype(np.int64)
    return [nearest]


def _same_window(windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of rows that belong to one window, ``(pairs, 2)``; rows come sorted by window."""
    edges = np.flatnonzero(np.diff(windows, prepend=-1, append=-1))
    pairs = [
        pair
        for first, last in pairwise(edges)
        for pair in combinations(range(int(first), int(last)), 2)
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _dissimilar(
    enrolled: NDArray[np.float64], clustered: NDArray[np.float64], similarity: float
) -> NDArray[np.float64]:
    """Rows of ``enrolled (k, dim)`` that no centroid, one for each, is similar to."""
    cosines = enrolled @ clustered.T
    matched = [
        row
        for row, column in zip(*match_rows(cosines), strict=True)
        if cosines[row, column] >= similarity
    ]
    return np.delete(enrolled, matched, axis=0)
