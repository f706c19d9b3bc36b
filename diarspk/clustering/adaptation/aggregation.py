"""Attention-based aggregation: every embedding becomes a mean of those like it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.blocks import blocks
from diarspk.clustering.clustering_input import ClusteringInput, validate
from diarspk.clustering.condensing import condense
from diarspk.embeddings.reduction import directions
from diarspk.errors import ArgumentError

__all__ = ["AttentionAggregation"]

Matrix = NDArray[np.float64]

BLOCK_ROWS = 1000
"""Rows that attend at once: 32 MB of attention to 4,000 keys."""


@dataclass(frozen=True)
class AttentionAggregation:
    """X <- softmax(temperature * cos(X, X)) X, iterated (Kwon et al. 2021, arXiv 2104.02879).

    Both defaults are starting values, not published ones: choose them by measurement.

    Long sessions attend to micro-clusters, each counting as many embeddings as it holds, so time
    and memory are linear in the session.

    Attributes
    ----------
    temperature : float
        Tau: larger listens to nearer embeddings only; 0 makes all alike.
    iterations : int
    most_keys : int
        Embeddings, or micro-clusters of them, that are attended to.
    """

    temperature: float = 15.0
    iterations: int = 5
    most_keys: int = 4000

    def __post_init__(self) -> None:
        """Check the settings."""
        if not self.temperature >= 0:
            raise ArgumentError(f"`temperature` must be at least 0, got {self.temperature}.")
        if self.iterations < 1 or self.most_keys < 1:
            raise ArgumentError(
                "`iterations` and `most_keys` must be at least 1, got "
                f"{self.iterations}, {self.most_keys}."
            )

    def __call__(self, embeddings: Matrix) -> Matrix:
        """Aggregate unit vectors ``(n, dim)`` of one session; unit norm again."""
        if not len(embeddings):
            return embeddings
        rows = embeddings
        membership = condense(validate(ClusteringInput(rows))[0], self.most_keys)[1]
        for _ in range(self.iterations):
            keys = validate(ClusteringInput(rows))[0].merged(membership)
            rows = directions(self._attend(rows, keys.means, keys.weights))
        return rows

    def _attend(self, rows: Matrix, values: Matrix, weights: Matrix) -> Matrix:
        keys = directions(values)
        mixed = np.empty_like(rows)
        for block in blocks(len(rows), BLOCK_ROWS):
            # Cosines are at most 1, so the exponent is at most 0.
            attention = weights * np.exp(self.temperature * (rows[block] @ keys.T - 1.0))
            mixed[block] = attention @ values / attention.sum(axis=1, keepdims=True)
        return mixed
