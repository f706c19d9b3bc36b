"""The back end of every embedding alike: principal components, then PLDA."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from diarspk.clustering.plda import Plda
from diarspk.clustering.plda_training import fit_plda
from diarspk.embeddings.unit_vectors import normalize_rows

__all__ = ["BackEnd", "fit_back_end"]

Vectors = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class BackEnd:
    """Scores embeddings ``(n, dim)`` of any scale."""

    components: PCA
    plda: Plda

    def score(self, embeddings: Vectors) -> NDArray[np.float64]:
        """Log-likelihood ratios of all pairs, ``(n, n)``."""
        reduced = self.components.transform(normalize_rows(embeddings))
        return self.plda.log_likelihood_ratio(reduced, reduced)


def fit_back_end(embeddings: Vectors, speakers: NDArray[np.str_], dimension: int) -> BackEnd:
    """Fit to labelled embeddings; errors are those of `fit_plda`.

    Parameters
    ----------
    dimension
        Maximum number of principal components: the time of PLDA grows with its cube.
    """
    count = min(dimension, embeddings.shape[1], len(embeddings) - 1)
    components = PCA(count, random_state=0)
    reduced = components.fit_transform(normalize_rows(embeddings))
    return BackEnd(components, fit_plda(reduced, speakers.tolist()))
