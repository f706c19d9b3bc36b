"""Adaptation of a session's embeddings before clustering (Kwon et al. 2021, arXiv 2104.02879).

Each part can be used alone::

    adapted = Adaptation(reduction=AutoEncoder(), aggregation=AttentionAggregation())(embeddings)

Names in capitals are the settings of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.arguments import check_counts, check_numbers, check_types
from diarspk.blocks import blocks
from diarspk.clustering.clustering_input import ClusteringInput, validate
from diarspk.clustering.partition import condense
from diarspk.embeddings.reduction import AutoEncoder, Reduction
from diarspk.embeddings.unit_vectors import normalize_or_first_axis, unit_vectors
from diarspk.errors import ArgumentError

__all__ = [
    "AGGREGATION_ONLY",
    "AUTO_ENCODER_ONLY",
    "KWON2021",
    "UNADAPTED",
    "Adaptation",
    "AttentionAggregation",
    "NonSpeechCluster",
]

Matrix = NDArray[np.float64]

BLOCK_ROWS = 1000
"""Queries of attention at once: 32 MB of weights for 4,000 keys."""


@dataclass(frozen=True)
class AttentionAggregation:
    """Attention-based aggregation: X <- softmax(temperature * cos(X, X)) X, iterated.

    Both defaults are starting values, not published ones: choose them by measurement.

    Long sessions attend to micro-clusters, each weighted by its embeddings, so time and memory are
    linear in the session.

    Attributes
    ----------
    temperature : float
        Tau: larger attends to nearer embeddings only; 0 averages all.
    iterations : int
    max_keys : int
        Maximum number of embeddings, or micro-clusters of them, that are attended to.
    """

    temperature: float = 15.0
    iterations: int = 5
    max_keys: int = 4000

    def __post_init__(self) -> None:
        """Check the settings."""
        check_numbers(self, "temperature", minimum=0.0)
        check_counts(self, "iterations", "max_keys")

    def __call__(self, embeddings: Matrix) -> Matrix:
        """Aggregate the unit vectors ``(n, dim)`` of one session; unit norm again."""
        if not len(embeddings):
            return embeddings
        rows = embeddings
        membership = condense(validate(ClusteringInput(rows))[0], self.max_keys)[1]
        for _ in range(self.iterations):
            values = validate(ClusteringInput(rows))[0].merged(membership)
            rows = normalize_or_first_axis(self._attend(rows, values.means, values.weights))
        return rows

    def _attend(self, queries: Matrix, values: Matrix, weights: Matrix) -> Matrix:
        keys = normalize_or_first_axis(values)
        mixed = np.empty_like(queries)
        for block in blocks(len(queries), BLOCK_ROWS):
            # Cosines are at most 1, so the exponent is at most 0 and cannot overflow.
            attention = weights * np.exp(self.temperature * (queries[block] @ keys.T - 1.0))
            mixed[block] = attention @ values / attention.sum(axis=1, keepdims=True)
        return mixed


@dataclass(frozen=True)
class NonSpeechCluster:
    """Non-speech embeddings that are clustered together with speech, as one more cluster.

    Speech embeddings in that cluster are taken for false alarms and dropped with it. Speakers are
    never all dropped.

    Attributes
    ----------
    max_rows : int
        Maximum number of non-speech embeddings, evenly spaced over the session.
    min_non_speech_s : float
        Minimum seconds of non-speech in a window from which one is computed.
    """

    max_rows: int = 200
    min_non_speech_s: float = 1.0

    def __post_init__(self) -> None:
        """Check the settings."""
        check_counts(self, "max_rows")
        check_numbers(self, "min_non_speech_s", above=0.0)

    def choose(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Select at most `max_rows` of the non-speech embeddings ``(m, dim)``, evenly spaced."""
        count = min(len(embeddings), self.max_rows)
        rows = np.linspace(0, max(len(embeddings) - 1, 0), count).round().astype(np.int64)
        return embeddings[rows]


@dataclass(frozen=True)
class Adaptation:
    """Adaptation of the embeddings of one session; None leaves a part out.

    Attributes
    ----------
    reduction : Reduction, optional
        Dimension reduction, fitted to the session.
    aggregation : AttentionAggregation, optional
        Applied to the output of the reduction.
    """

    reduction: Reduction | None = None
    aggregation: AttentionAggregation | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        if not callable(self.reduction) and self.reduction is not None:
            raise ArgumentError(f"`reduction` must be a reduction or None, got {self.reduction!r}")
        check_types(self, aggregation=AttentionAggregation | None)

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
"""Embeddings unchanged."""

AUTO_ENCODER_ONLY = Adaptation(reduction=AutoEncoder())
"""Kwon et al. 2021 (arXiv 2104.02879), dimension reduction alone."""

AGGREGATION_ONLY = Adaptation(aggregation=AttentionAggregation())
"""The same, attention-based aggregation alone."""

KWON2021 = Adaptation(reduction=AutoEncoder(), aggregation=AttentionAggregation())
"""The same, both; with :class:`NonSpeechCluster`, the whole of the paper."""
