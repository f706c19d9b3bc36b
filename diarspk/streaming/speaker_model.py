"""What tells speakers apart in a session, for any encoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.agglomerative import AgglomerativeClusterer
from diarspk.clustering.clusterer import Clusterer, PartitionClusterer
from diarspk.clustering.counting_clusterer import CountingClusterer
from diarspk.clustering.plda import Plda
from diarspk.clustering.plda_clusterer import PldaClustererSettings
from diarspk.clustering.session_model import SessionModel
from diarspk.clustering.weighted_points import WeightedPoints

__all__ = ["SpeakerModel"]

WITHIN = 0.6
"""Within-speaker share of the variance of embeddings that have no PLDA."""

NO_PLDA = AgglomerativeClusterer(threshold=0.6)
"""Clusterer of embeddings that have no PLDA."""


@dataclass(frozen=True, eq=False)
class SpeakerModel:
    """PLDA of an encoder, and the clusterers that offline diarization takes.

    Attributes
    ----------
    plda : Plda
        That of the session model.
    settings : PldaClustererSettings
        Settings of the session model.
    short, long : PartitionClusterer
        Clusterers of few windows, and of many.
    max_short : int
        Maximum number of windows that `short` clusters.
    """

    plda: Plda
    settings: PldaClustererSettings
    short: PartitionClusterer
    long: PartitionClusterer
    max_short: int

    @classmethod
    def of(cls, clusterer: Clusterer | None, dimension: int) -> SpeakerModel:
        """Take the parts of the default clusterer; without a PLDA, cosines tell."""
        if isinstance(clusterer, CountingClusterer):
            short, long = clusterer.short, clusterer.long
            return cls(long.plda, long.settings, short, long, clusterer.max_short)
        plda = Plda(
            np.zeros(dimension),
            np.zeros(dimension),
            np.eye(dimension) / np.sqrt(WITHIN),
            np.full(dimension, (1 - WITHIN) / WITHIN),
        )
        return cls(plda, PldaClustererSettings(), NO_PLDA, NO_PLDA, 0)

    @property
    def session(self) -> SessionModel:
        """Model of the log-likelihood ratio of "one speaker" to "two"."""
        return SessionModel(self.plda.between, self.settings.drift, self.settings.noise)

    def project(self, embeddings: NDArray[np.floating]) -> NDArray[np.float64]:
        """Project embeddings ``(n, dim)`` to the space of the PLDA, ``(n, d)``."""
        return self.plda.project(embeddings)

    def windows(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Effective number of windows of subsegments with so much speech, ``(n,)``."""
        settings = self.settings
        share = np.clip(seconds / settings.window_s, 0.1, 1.0)
        return np.asarray(share / settings.overlap)

    def cluster(self, points: WeightedPoints) -> NDArray[np.int64]:
        """Label points ``(n,)`` by speaker."""
        few = points.weights.sum() <= self.max_short
        return (self.short if few else self.long).solve(points).labels
