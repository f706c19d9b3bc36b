"""Embeddings scaled to unit norm, centroids of them, and assignment to centroids."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.errors import ArgumentError

__all__ = ["assign", "centroids", "unit_rows", "unit_vectors"]


def unit_rows(vectors: ArrayLike, dimension: int) -> NDArray[np.float32]:
    """Check vectors ``(dim,)`` or ``(n, dim)`` and bring them to unit norm, ``(n, dim)``.

    Raises
    ------
    ArgumentError
        If the shape is another, a value is not finite, or a vector is zero.
    """
    rows = np.atleast_2d(np.asarray(vectors, np.float32))
    if rows.ndim != 2 or rows.shape[1] != dimension or len(rows) == 0:
        raise ArgumentError(f"`vectors` must be of shape (n, {dimension}), got {np.shape(vectors)}")
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or (norms < 1e-6).any():
        raise ArgumentError("`vectors` must be finite and not zero; was the recording silent?")
    return np.asarray(rows / norms, np.float32)


def unit_vectors(embeddings: ArrayLike, name: str = "embeddings") -> NDArray[np.float64]:
    """Embeddings ``(n, dim)`` scaled to unit norm; `name` is what an error calls them."""
    vectors = np.array(embeddings, dtype=np.float64)  # a copy, which is scaled in place
    if vectors.ndim != 2:
        raise ArgumentError(f"`{name}` must be of shape (n, dim), got shape {vectors.shape}.")
    if not np.isfinite(vectors).all():
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise ArgumentError(f"`{name}` must be finite, got NaN or infinity in row {row}.")
    # Dividing by the peak first keeps the squares inside the norm from overflowing.
    peaks = vectors.max(axis=1, keepdims=True, initial=0.0)
    peaks = np.maximum(peaks, -vectors.min(axis=1, keepdims=True, initial=0.0))
    if not peaks.all():
        row = int(np.flatnonzero(peaks == 0)[0])
        raise ArgumentError(f"`{name}` must have a direction, got a zero vector in row {row}.")
    vectors /= peaks
    _scale(vectors)
    return vectors


def _scale(rows: NDArray[np.float64]) -> None:
    """Bring rows to unit norm in place, but for those that have no direction."""
    norms = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    rows /= np.maximum(norms, np.finfo(np.float64).tiny)[:, None]


def centroids(embeddings: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Mean direction of each speaker's embeddings.

    Parameters
    ----------
    embeddings : array, shape (n, dim)
        Any scale: every embedding counts the same.
    labels : array of int, shape (n,)
        Labels 0..k-1, each held by one embedding or more.

    Returns
    -------
    NDArray, shape (k, dim)
        Unit norm.

    Raises
    ------
    ArgumentError
        Labels do not fit the embeddings, or a speaker's embeddings cancel each other.
    """
    vectors, speakers = unit_vectors(embeddings), np.asarray(labels)
    if speakers.shape != (len(vectors),):
        raise ArgumentError(
            f"`labels` must be of shape ({len(vectors)},), got shape {speakers.shape}."
        )
    present = np.unique(speakers)
    if not np.array_equal(present, np.arange(len(present))):
        raise ArgumentError(f"`labels` must be 0..k-1 without a gap, got {present.tolist()}.")
    sums = np.zeros((len(present), vectors.shape[1]))
    np.add.at(sums, speakers.astype(np.int64), vectors)
    return unit_vectors(sums, "sum of a speaker's embeddings")


def assign(embeddings: ArrayLike, centroids: ArrayLike) -> NDArray[np.int64]:
    """Row of the most similar centroid by cosine, the first of equals: ``(n,)``.

    Parameters
    ----------
    embeddings : array, shape (n, dim)
    centroids : array, shape (k, dim), k >= 1

    Raises
    ------
    ArgumentError
        Dimensions differ, or there is no centroid.
    """
    vectors = unit_vectors(embeddings)
    directions = unit_vectors(centroids, "centroids")
    if not len(directions) or vectors.shape[1] != directions.shape[1]:
        raise ArgumentError(
            f"`centroids` must be of shape (k, {vectors.shape[1]}) with k >= 1, "
            f"got shape {directions.shape}."
        )
    nearest: NDArray[np.int64] = (vectors @ directions.T).argmax(axis=1)
    return nearest
