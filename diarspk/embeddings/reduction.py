"""Fewer dimensions: principal components as a control, and prefixes of a trained projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError

__all__ = ["Prefix", "PrincipalComponents", "Reduction", "check_dimension"]

Matrix = NDArray[np.float64]


class Reduction(Protocol):
    """Unit vectors ``(n, dim)`` of one session to unit vectors ``(n, d)``, d <= dim.

    A session with no more vectors than dimensions asked for is left as it is: there is nothing to
    learn from it.
    """

    @property
    def dimension(self) -> int:
        """Length of the reduced vectors."""
        ...

    def __call__(self, embeddings: Matrix) -> Matrix:
        """Reduce the embeddings of one session."""
        ...


def check_dimension(dimension: int) -> None:
    """Raise an :class:`~diarspk.errors.ArgumentError` unless it is a whole number from 1."""
    if isinstance(dimension, bool) or not isinstance(dimension, int) or dimension < 1:
        raise ArgumentError(f"`dimension` must be a whole number from 1, got {dimension!r}.")


@dataclass(frozen=True)
class PrincipalComponents:
    """The session's largest principal components about the origin, which keep the most of cosines.

    The best that a linear auto-encoder can do, hence its control.

    Attributes
    ----------
    dimension : int
    """

    dimension: int = 20

    def __post_init__(self) -> None:
        """Check the settings."""
        check_dimension(self.dimension)

    def __call__(self, embeddings: Matrix) -> Matrix:
        """See :class:`Reduction`."""
        if min(embeddings.shape) <= self.dimension:
            return embeddings
        from scipy.linalg import eigh

        width = embeddings.shape[1]
        _, axes = eigh(
            embeddings.T @ embeddings, subset_by_index=(width - self.dimension, width - 1)
        )
        # The sign of an axis is arbitrary: the largest weight is made positive.
        largest = np.abs(axes).argmax(axis=0)
        axes = axes * np.sign(axes[largest, np.arange(self.dimension)])
        return directions(embeddings @ axes[:, ::-1])


@dataclass(frozen=True)
class Prefix:
    """The first dimensions alone, for encoders trained so that any prefix serves.

    Attributes
    ----------
    dimension : int
    """

    dimension: int = 20

    def __post_init__(self) -> None:
        """Check the settings."""
        check_dimension(self.dimension)

    def __call__(self, embeddings: Matrix) -> Matrix:
        """See :class:`Reduction`; it learns nothing, so small sessions are reduced as well."""
        return directions(embeddings[:, : self.dimension])


def directions(vectors: Matrix) -> Matrix:
    """Scale to unit norm; a vector of zero, which has no direction, becomes the first axis."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Matrix = vectors / np.where(norms > 0, norms, 1.0)
    scaled[norms[:, 0] == 0, 0] = 1.0
    return scaled
