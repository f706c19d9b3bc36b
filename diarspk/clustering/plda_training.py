"""Training of a two-covariance PLDA on labelled embeddings, by expectation-maximization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.clustering.plda import Plda, length_normalize
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.errors import ArgumentError

__all__ = ["fit_plda", "plda_likelihoods"]

Matrix = NDArray[np.float64]


def fit_plda(
    embeddings: ArrayLike,
    speakers: Sequence[str] | NDArray[np.int64],
    *,
    iterations: int = 10,
    shrinkage: float = 1e-3,
    fingerprint: str = "",
) -> Plda:
    """Fit a PLDA by maximum likelihood.

    Initialized by the within- and between-speaker moments; EM then accounts for the number of
    embeddings of each speaker, which those moments do not.

    Parameters
    ----------
    embeddings : array, shape (n, dim)
        Any scale.
    speakers : sequence, length n
        Speaker of each; two speakers or more, one of them with two embeddings or more.
    iterations : int
        Iterations of EM, from 0.
    shrinkage : float
        Ridge of both initial covariances, as a share of their mean variance: with few embeddings
        they are singular otherwise.
    fingerprint : str
        Fingerprint of the encoder.

    Raises
    ------
    ArgumentError
        If shapes do not fit, or there are too few speakers or embeddings.
    """
    vectors = np.asarray(embeddings, dtype=np.float64)
    names, classes = np.unique(np.asarray(speakers), return_inverse=True)
    if vectors.ndim != 2 or classes.shape != (len(vectors),):
        raise ArgumentError(
            f"`speakers` must name each of the `embeddings` (n, dim), got shapes {classes.shape} "
            f"and {vectors.shape}."
        )
    if len(names) < 2 or len(names) == len(vectors):
        raise ArgumentError(
            "`speakers` must be two or more, one of them with two embeddings or more, "
            f"got {len(names)} speakers of {len(vectors)} embeddings."
        )
    origin = normalize_rows(vectors).mean(axis=0)
    scaled = length_normalize(vectors, origin)
    mean = scaled.mean(axis=0)
    statistics = _gather(scaled - mean, classes)
    transform, between = _initialize(statistics, shrinkage)
    for _ in range(iterations):
        transform, between = _iterate(statistics, transform, between)
    order = np.argsort(-between, kind="stable")
    return Plda(origin, mean, transform[:, order], between[order], fingerprint)


def plda_likelihoods(
    embeddings: ArrayLike, classes: NDArray[np.int64], plda: Plda
) -> tuple[float, float]:
    """Log-likelihood of labelled embeddings, and of the same with a speaker for each embedding.

    Natural logarithms, of length-normalized embeddings.
    """
    vectors = length_normalize(np.asarray(embeddings, dtype=np.float64), plda.origin) - plda.mean
    together = _likelihood(_gather(vectors, classes), plda.transform, plda.between)
    apart = _likelihood(_gather(vectors, np.arange(len(vectors))), plda.transform, plda.between)
    return together, apart


@dataclass(frozen=True)
class _Statistics:
    """Sufficient statistics: speakers' counts ``(k,)`` and means ``(k, dim)``, second moments."""

    counts: Matrix
    means: Matrix
    moments: Matrix  # (dim, dim)


def _gather(vectors: Matrix, classes: NDArray[np.int64]) -> _Statistics:
    counts = np.bincount(classes).astype(np.float64)
    sums = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(sums, classes, vectors)
    return _Statistics(counts, sums / counts[:, None], vectors.T @ vectors)


def _initialize(statistics: _Statistics, shrinkage: float) -> tuple[Matrix, Matrix]:
    """Diagonalize the within- and between-speaker moments."""
    counts, means = statistics.counts, statistics.means
    scattered = (means * counts[:, None]).T @ means
    within = (statistics.moments - scattered) / max(counts.sum() - len(counts), 1.0)
    between = scattered / counts.sum()
    ridge = shrinkage * np.trace(within + between) / len(within)
    identity = np.eye(len(within))
    return _diagonalize(between + ridge * identity, within + ridge * identity, identity)


def _iterate(statistics: _Statistics, transform: Matrix, variance: Matrix) -> tuple[Matrix, Matrix]:
    """One iteration of EM, in the space where both covariances are diagonal."""
    counts = statistics.counts[:, None]
    means = statistics.means @ transform  # (k, dim)
    moments = transform.T @ statistics.moments @ transform
    spread = variance / (1 + counts * variance)  # posterior variance of a speaker, (k, dim)
    speakers = counts * spread * means  # and its mean
    between = (speakers.T @ speakers + np.diag(spread.sum(axis=0))) / len(means)
    cross = (counts * means).T @ speakers
    within = moments - cross - cross.T + (counts * speakers).T @ speakers
    within += np.diag((counts * spread).sum(axis=0))
    return _diagonalize(between, within / statistics.counts.sum(), transform)


def _diagonalize(between: Matrix, within: Matrix, transform: Matrix) -> tuple[Matrix, Matrix]:
    """Extend a transform so that `within` becomes the identity and `between` diagonal."""
    from scipy.linalg import eigh

    values, vectors = eigh(between, within)
    return transform @ vectors, np.maximum(values, 0.0)


def _likelihood(statistics: _Statistics, transform: Matrix, variance: Matrix) -> float:
    """Log-likelihood with a square transform, speakers integrated out."""
    counts, total = statistics.counts[:, None], statistics.counts.sum()
    means = statistics.means @ transform
    moments = np.einsum("ij,ik,kj->", transform, statistics.moments, transform)
    gain = (counts**2 * variance / (1 + counts * variance) * means**2).sum()
    volume = np.linalg.slogdet(transform)[1]
    normalizer = total * len(transform) * np.log(2 * np.pi)
    widths = np.log1p(counts * variance).sum()
    return float(total * volume - 0.5 * (normalizer + widths + moments - gain))
