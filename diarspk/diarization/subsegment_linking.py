"""Linking of local speakers by their subsegments, which are clustered in their place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.agglomerative import AgglomerativeClusterer
from diarspk.clustering.clusterer import Clusterer, Clustering
from diarspk.clustering.clustering_input import ClusteringInput
from diarspk.diarization.assignment import (
    assign_to_centroids,
    give_to_cut,
    keep_speakers,
    match_rows,
)
from diarspk.diarization.config import LinkingConfig
from diarspk.diarization.constraints import UNCONSTRAINED, Constraints
from diarspk.diarization.linking import Labels, Linking, renumber_cuts
from diarspk.diarization.local_linking import link_local_speakers
from diarspk.diarization.local_speakers import LocalSpeakers
from diarspk.embeddings.unit_vectors import centroids

__all__ = ["link_by_subsegments"]

INITIAL_CLUSTERER = AgglomerativeClusterer(threshold=0.5)
"""Clusters the local speakers from which initial labels of the subsegments are made."""

INITIAL_RELIABLE_S = 1.0
"""Minimum seconds of speech of those local speakers."""

MAX_PEELED = 80
"""Number of subsegments (40 s of speech) up to which a second of speech makes no profile."""

MIN_SUBSEGMENTS = 100
"""Minimum number of subsegments (48 s of speech) with initial labels from local speakers."""


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
    margin = config.same_voice_margin
    labels = assign_to_centroids(
        local, labels, talking, everyone, minimum, same_voice_margin=margin
    )
    cut_from = found.cut_from if len(embeddings) <= MAX_PEELED else {}
    if cut_from:
        kept = np.setdiff1d(np.arange(len(everyone)), list(cut_from))
        whole = centroids(embeddings, np.searchsorted(kept, _uncut(found)))
        labels = np.full(local.seconds.shape, -1, np.int64)
        labels = assign_to_centroids(
            local,
            labels,
            talking,
            np.concatenate([whole, missed]),
            minimum[kept],
            same_voice_margin=margin,
        )
        labels[talking] = kept[labels[talking]]
        labels = give_to_cut(local, labels, short.centre[clean], found)
    if len(np.unique(labels[talking])) < bounds.needed:
        labels = keep_speakers(local, labels, everyone, bounds.needed)
    present, numbered = np.unique(labels[talking], return_inverse=True)
    if len(present) < bounds.needed:
        return None
    labels[talking] = numbered
    return Linking(
        labels,
        dict(found.count_scores),
        count_posterior=dict(found.count_posterior),
        cut_from=renumber_cuts(cut_from, present),
    )


def _uncut(found: Clustering) -> Labels:
    """Label who was cut off as whom that was."""
    labels = np.arange(int(found.labels.max()) + 1)
    labels[list(found.cut_from)] = list(found.cut_from.values())
    return labels[found.labels]


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
