"""Embeddings scaled to unit norm, centroids of them, and assignment to centroids.

What becomes of a zero vector is said by the name: :func:`unit_vectors` and :func:`unit_rows` check
what users give and raise; :func:`normalize_rows`, :func:`normalize_in_place` and
:func:`unit_vector` leave it zero, as :func:`torch.nn.functional.normalize` does;
:func:`normalize_or_first_axis` replaces it by a unit vector.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.arguments import as_numbers
from diarspk.errors import ArgumentError

__all__ = [
    "assign",
    "centroids",
    "normalize_in_place",
    "normalize_or_first_axis",
    "normalize_rows",
    "unit_rows",
    "unit_vector",
    "unit_vectors",
]

Float = TypeVar("Float", bound=np.floating[Any])

EPSILON = 1e-12
"""Norms below count as zero, as in :func:`torch.nn.functional.normalize`."""


def unit_vectors(embeddings: ArrayLike, name: str = "embeddings") -> NDArray[np.float64]:
    """Check embeddings ``(n, dim)`` and scale them to unit norm, in float64.

    Parameters
    ----------
    embeddings : array, shape (n, dim)
        Any scale, however large or small.
    name : str
        Name of the argument in error messages.

    Raises
    ------
    ArgumentError
        The shape is another, a value is not finite, or a vector is zero.
    """
    vectors = as_numbers(embeddings, name)  # a copy, which is scaled in place
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
    normalize_in_place(vectors)
    return vectors


def unit_rows(vectors: ArrayLike, dimension: int) -> NDArray[np.float32]:
    """Check vectors ``(n, dim)`` or ``(dim,)`` of a space and scale them to unit norm.

    Returns
    -------
    NDArray of float32, shape (n, dim)

    Raises
    ------
    ArgumentError
        The shape is another, a value is not finite, or a vector is zero.
    """
    with np.errstate(over="ignore"):  # becomes infinite, which is refused below
        rows = np.atleast_2d(as_numbers(vectors, "vectors")).astype(np.float32)
    if rows.ndim != 2 or rows.shape[1] != dimension or len(rows) == 0:
        raise ArgumentError(f"`vectors` must be of shape (n, {dimension}), got {np.shape(vectors)}")
    with np.errstate(over="ignore"):
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or (norms < 1e-6).any():
        raise ArgumentError("`vectors` must be finite and not zero; was the recording silent?")
    return np.asarray(rows / norms, np.float32)


def normalize_rows(vectors: NDArray[Float]) -> NDArray[Float]:
    """Scale vectors ``(..., dim)`` to unit norm; zero vectors stay zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: NDArray[Float] = vectors / np.maximum(norms, EPSILON)
    return scaled


def normalize_in_place(rows: NDArray[np.float64]) -> None:
    """Scale rows ``(n, dim)`` to unit norm without a copy; zero rows stay zero."""
    norms = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    rows /= np.maximum(norms, np.finfo(np.float64).tiny)[:, None]


def normalize_or_first_axis(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale vectors ``(n, dim)`` to unit norm; zero vectors become the first axis.

    For vectors that are compared by cosine next, where a zero vector would be an error.
    """
    scaled = normalize_rows(vectors)
    zero = np.linalg.norm(vectors, axis=1) < EPSILON
    scaled[zero] = 0.0
    scaled[zero, 0] = 1.0
    return scaled


def unit_vector(vector: NDArray[Float]) -> NDArray[Float]:
    """Scale one vector ``(dim,)`` to unit norm; a zero vector stays zero."""
    scaled: NDArray[Any] = vector / max(float(np.linalg.norm(vector)), EPSILON)
    return scaled


def centroids(embeddings: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Mean of each speaker's unit vectors, scaled to unit norm.

    Parameters
    ----------
    embeddings : array, shape (n, dim)
        Any scale: every embedding counts the same.
    labels : array of int, shape (n,)
        Labels 0..k-1, each of one embedding or more.

    Returns
    -------
    NDArray, shape (k, dim)

    Raises
    ------
    ArgumentError
        Labels do not fit the embeddings, or a speaker's embeddings cancel each other.
    """
    vectors, speakers = unit_vectors(embeddings), as_numbers(labels, "labels")
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
    """Row of the centroid with the highest cosine, the first of equals: ``(n,)``.

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
    centres = unit_vectors(centroids, "centroids")
    if not len(centres) or vectors.shape[1] != centres.shape[1]:
        raise ArgumentError(
            f"`centroids` must be of shape (k, {vectors.shape[1]}) with k >= 1, "
            f"got shape {centres.shape}."
        )
    nearest: NDArray[np.int64] = (vectors @ centres.T).argmax(axis=1)
    return nearest
