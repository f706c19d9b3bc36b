"""The embeddings of one session in few dimensions, whatever their number."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.embeddings.autoencoder import AutoEncoder
from diarspk.embeddings.reduction import Prefix, PrincipalComponents, check_dimension
from diarspk.embeddings.unit_vectors import unit_vectors
from diarspk.errors import ArgumentError

__all__ = ["Projection", "project"]

Projection = Literal["session", "principal", "trained"]


def project(
    embeddings: ArrayLike, dimension: int = 20, method: Projection = "session"
) -> NDArray[np.float32]:
    """Bring the embeddings of one session to fewer dimensions.

    Parameters
    ----------
    embeddings : array, shape (n, dim)
        All from one encoder.
    dimension : int
        From 1 to dim.
    method : {"session", "principal", "trained"}
        ``session`` trains an auto-encoder on these embeddings (Kwon et al. 2021), ``principal``
        takes their principal components. Both need more embeddings than dimensions: fewer span no
        more dimensions than there are, so their own axes are taken, which keeps every cosine, and
        the other coordinates are zero. ``trained`` takes the first dimensions, for encoders that
        were trained so that a prefix serves.

    Returns
    -------
    NDArray of float32, shape (n, dimension)
        Unit vectors.

    Raises
    ------
    ArgumentError
        The embeddings are no matrix of finite non-zero rows, or there is no such dimension or
        method.
    """
    vectors = unit_vectors(embeddings)
    check_dimension(dimension)
    if dimension > vectors.shape[1]:
        raise ArgumentError(
            f"`dimension` must be at most that of the embeddings, {vectors.shape[1]}, "
            f"got {dimension}."
        )
    if method not in get_args(Projection):
        known = ", ".join(get_args(Projection))
        raise ArgumentError(f"`method` must be one of {known}, got {method!r}.")
    if method == "trained":
        return Prefix(dimension)(vectors).astype(np.float32)
    if len(vectors) <= dimension:
        return _own_axes(vectors, dimension)
    reduction = AutoEncoder(dimension) if method == "session" else PrincipalComponents(dimension)
    return reduction(vectors)[:, :dimension].astype(np.float32)


def _own_axes(vectors: NDArray[np.float64], dimension: int) -> NDArray[np.float32]:
    """Coordinates in an orthonormal basis of the vectors' own span, and zeros."""
    left, values, _ = np.linalg.svd(vectors, full_matrices=False)
    coordinates = left * values  # equal to vectors @ axes
    largest = np.abs(coordinates).argmax(axis=0)
    coordinates *= np.where(coordinates[largest, np.arange(len(values))] < 0, -1.0, 1.0)
    projected = np.zeros((len(vectors), dimension), np.float32)
    projected[:, : coordinates.shape[1]] = coordinates
    return projected
