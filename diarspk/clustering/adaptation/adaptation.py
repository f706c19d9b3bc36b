"""Which parts of session adaptation are on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.clustering.adaptation.aggregation import AttentionAggregation
from diarspk.embeddings.autoencoder import AutoEncoder
from diarspk.embeddings.reduction import Reduction
from diarspk.embeddings.unit_vectors import unit_vectors

__all__ = [
    "AGGREGATION_ONLY",
    "AUTO_ENCODER_ONLY",
    "KWON2021",
    "UNADAPTED",
    "Adaptation",
]


@dataclass(frozen=True)
class Adaptation:
    """Adapt the embeddings of a session to each other; None leaves a part out.

    Attributes
    ----------
    reduction : Reduction, optional
        Brings embeddings to fewer dimensions.
    aggregation : AttentionAggregation, optional
        Moves embeddings towards those like them; it reads what the reduction gives.
    """

    reduction: Reduction | None = None
    aggregation: AttentionAggregation | None = None

    def __call__(self, embeddings: ArrayLike) -> NDArray[np.float64]:
        """Adapt all embeddings of one session.

        Parameters
        ----------
        embeddings : array, shape (n, dim)
            Any scale.

        Returns
        -------
        NDArray, shape (n, d)
            Unit norm; d = dim without a reduction.
        """
        adapted = unit_vectors(embeddings)
        if self.reduction is not None:
            adapted = self.reduction(adapted)
        if self.aggregation is not None:
            adapted = self.aggregation(adapted)
        return adapted


UNADAPTED = Adaptation()
"""Embeddings as they are."""

AUTO_ENCODER_ONLY = Adaptation(reduction=AutoEncoder())
"""Kwon et al. 2021 (arXiv 2104.02879), dimensionality reduction alone."""

AGGREGATION_ONLY = Adaptation(aggregation=AttentionAggregation())
"""The same, attention-based aggregation alone."""

KWON2021 = Adaptation(reduction=AutoEncoder(), aggregation=AttentionAggregation())
"""The same, both; with `NonSpeechCluster`, the whole of the paper."""
