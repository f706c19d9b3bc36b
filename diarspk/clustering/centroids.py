"""Speakers as centroids: from labels to vectors, and from vectors to labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.embeddings.unit_vectors import unit_vectors
from diarspk.errors import ArgumentError

__all__ = ["assign", "centroids"]


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
