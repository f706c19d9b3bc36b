"""Linking of local speakers, each clustered as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.adaptation import Adaptation
from diarspk.clustering.clusterer import Clusterer, Clustering
from diarspk.clustering.clustering_input import ClusteringInput
from diarspk.clustering.speaker_bounds import SpeakerBounds
from diarspk.diarization.assignment import assign_rest
from diarspk.diarization.config import LinkingConfig
from diarspk.diarization.constraint_pairs import LocalRows, Pairs, add_known_speakers, span_pairs
from diarspk.diarization.constraints import UNCONSTRAINED, Constraints
from diarspk.diarization.linking import Linking
from diarspk.diarization.local_speakers import LocalSpeakers

__all__ = ["link_local_speakers"]


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


def _same_window(windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of rows that belong to one window, ``(pairs, 2)``; rows come sorted by window."""
    edges = np.flatnonzero(np.diff(windows, prepend=-1, append=-1))
    pairs = [
        pair
        for first, last in pairwise(edges)
        for pair in combinations(range(int(first), int(last)), 2)
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)
