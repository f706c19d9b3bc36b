"""Made sessions of windows whose voices, drift and noise are those of the embedded encoder."""

from functools import cache

import numpy as np

from diarspk.clustering import ClusteringInput, PldaClusterer
from diarspk.clustering.counting_clusterer import CountingClusterer
from diarspk.diarization.defaults import load_defaults
from diarspk.encoders.loading import load_encoder

NOISE, DRIFT = 0.95, 0.05
OVERLAP = np.array([0.1, 0.25, 0.3, 0.25, 0.1])
"""Windows of 1.5 s every 0.48 s: each shares its noise with its neighbours."""


@cache
def counting():
    """The default clusterer of the embedded encoder."""
    found = load_defaults(load_encoder().fingerprint).clusterer
    assert isinstance(found, CountingClusterer)
    return found


def clusterer():
    """The clusterer of more than a few subsegments that is a part of it."""
    assert isinstance(counting().long, PldaClusterer)
    return counting().long


def voices(count, generator):
    """Speakers ``(count, d)`` in the space of the PLDA."""
    between = clusterer().plda.between
    return np.sqrt(between) * generator.normal(size=(count, len(between)))


def windows(speakers, turns, generator, lengths=(8, 20)):
    """Windows ``(n, d)`` and the speaker of each, in so many turns of each speaker, shuffled."""
    order = np.repeat(np.arange(len(speakers)), turns)
    generator.shuffle(order)
    rows, labels = [], []
    for speaker in order.tolist():
        count = int(generator.integers(*lengths))
        shape = speakers.shape[1]
        own = np.sqrt(DRIFT) * generator.normal(size=shape)
        noise = generator.normal(size=(count + len(OVERLAP) - 1, shape))
        mixed = np.stack([np.convolve(column, OVERLAP, "valid") for column in noise.T], axis=1)
        mixed *= np.sqrt(NOISE) / np.linalg.norm(OVERLAP)
        rows.append(speakers[speaker] + own + mixed)
        labels += [speaker] * count
    return np.concatenate(rows), np.array(labels)


def embed(rows):
    """Embeddings that the PLDA projects to nearly these rows."""
    plda = clusterer().plda
    scaled = rows @ np.linalg.pinv(plda.transform) + plda.mean
    scaled *= np.sqrt(plda.dimension) / np.linalg.norm(scaled, axis=1, keepdims=True)
    return unit_embeddings(scaled / np.sqrt(plda.dimension), plda.origin)


def unit_embeddings(directions, origin):
    """Unit vectors whose difference from the origin has these directions."""
    # |origin + t u| = 1 for the positive t
    product = directions @ origin
    reach = -product + np.sqrt(product**2 + 1 - origin @ origin)
    return origin + reach[:, None] * directions


def cluster(rows, **bounds):
    """Labels of the default clusterer."""
    return clusterer()(embed(rows), **bounds)


def count(rows, **bounds):
    """Number of speakers that it finds."""
    return int(cluster(rows, **bounds).max()) + 1


__all__ = [
    "ClusteringInput",
    "cluster",
    "clusterer",
    "count",
    "counting",
    "embed",
    "voices",
    "windows",
]
