"""Evidence that two stretches of speech are of one speaker, for any encoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.clusterer import Clusterer
from diarspk.clustering.counting_clusterer import CountingClusterer
from diarspk.clustering.plda import Plda
from diarspk.clustering.plda_clusterer import PldaClusterer, PldaClustererSettings
from diarspk.clustering.session_model import SessionModel

__all__ = ["SpeakerModel"]

WITHIN = 0.6
"""Within-speaker share of the variance of embeddings that have no PLDA."""


@dataclass(frozen=True, eq=False)
class SpeakerModel:
    """PLDA of an encoder, and the model of the evidence within a session.

    Attributes
    ----------
    plda : Plda
    settings : PldaClustererSettings
        Of the clusterer that offline diarization takes.
    """

    plda: Plda
    settings: PldaClustererSettings

    @classmethod
    def of(cls, clusterer: Clusterer | None, dimension: int) -> SpeakerModel:
        """Take the PLDA of the default clusterer; without one, cosines are the evidence."""
        long = clusterer.long if isinstance(clusterer, CountingClusterer) else clusterer
        if isinstance(long, PldaClusterer):
            return cls(long.plda, long.settings)
        plda = Plda(
            np.zeros(dimension),
            np.zeros(dimension),
            np.eye(dimension) / np.sqrt(WITHIN),
            np.full(dimension, (1 - WITHIN) / WITHIN),
        )
        return cls(plda, PldaClustererSettings())

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
