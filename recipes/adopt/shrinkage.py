"""Shrinkage of a PLDA: both covariances towards the same variance in all directions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.plda import Plda
from diarspk.errors import ArgumentError

__all__ = ["shrink"]

Matrix = NDArray[np.float64]


def shrink(plda: Plda, within: float, between: float) -> Plda:
    """Shrink the covariances of a PLDA in all its dimensions.

    Some hundred speakers, each with a microphone of their own, tell how a strange encoder's
    embeddings vary with little precision and some bias; that they vary in all directions alike,
    which is what the cosine assumes, has neither (Ledoit and Wolf 2004).

    Parameters
    ----------
    plda
        As many dimensions as the embeddings have.
    within, between
        Weights, from 0 to 1, of the multiples of the identity with the same total variance.

    Raises
    ------
    ArgumentError
        If the PLDA is truncated.
    """
    rows, columns = plda.transform.shape
    if rows != columns:
        raise ArgumentError(
            f"`plda` must have all {rows} dimensions, got {columns}; truncate it afterwards"
        )
    back = np.linalg.inv(plda.transform)  # from the diagonal space to the embeddings
    inside = _towards_identity(back.T @ back, within)
    among = _towards_identity((back.T * plda.between) @ back, between)
    whitening = np.linalg.cholesky(np.linalg.inv(inside))
    variances, rotation = np.linalg.eigh(whitening.T @ among @ whitening)
    return replace(
        plda,
        transform=whitening @ rotation[:, ::-1],
        between=np.maximum(variances[::-1], 0.0),
    )


def _towards_identity(covariance: Matrix, weight: float) -> Matrix:
    size = len(covariance)
    return (1.0 - weight) * covariance + weight * np.trace(covariance) / size * np.eye(size)
