"""Dimension reduction of the embeddings of one session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.arguments import check_choice, check_counts, check_numbers
from diarspk.embeddings.unit_vectors import normalize_or_first_axis, unit_vectors
from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Generator, Tensor

__all__ = [
    "AutoEncoder",
    "Prefix",
    "PrincipalComponents",
    "Projection",
    "Reduction",
    "check_dimension",
    "project",
]

Matrix = NDArray[np.float64]
Loss = Literal["mse", "cosine"]
Projection = Literal["session", "principal", "trained"]


class Reduction(Protocol):
    """Reduction of a session's unit vectors ``(n, dim)`` to unit vectors ``(n, d)``, d <= dim.

    A session with no more vectors than dimensions asked for is returned unchanged: it is too small
    to fit anything to.
    """

    @property
    def dimension(self) -> int:
        """Dimension of the reduced vectors."""
        ...

    def __call__(self, embeddings: Matrix) -> Matrix:
        """Reduce the embeddings of one session."""
        ...


def check_dimension(dimension: int) -> None:
    """Raise an :class:`~diarspk.errors.ArgumentError` unless it is a whole number from 1."""
    if isinstance(dimension, bool) or not isinstance(dimension, int) or dimension < 1:
        raise ArgumentError(f"`dimension` must be a whole number from 1, got {dimension!r}.")


@dataclass(frozen=True)
class Prefix:
    """First dimensions of embeddings that were trained so that any prefix serves.

    Attributes
    ----------
    dimension : int
    """

    dimension: int = 20

    def __post_init__(self) -> None:
        """Check the settings."""
        check_dimension(self.dimension)

    def __call__(self, embeddings: Matrix) -> Matrix:
        """See :class:`Reduction`; nothing is fitted, so small sessions are reduced as well."""
        return normalize_or_first_axis(embeddings[:, : self.dimension])


@dataclass(frozen=True)
class PrincipalComponents:
    """Principal components of the session about the origin, which preserve most of the cosines.

    The optimum of a linear auto-encoder, hence its control.

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
        return normalize_or_first_axis(embeddings @ axes[:, ::-1])


@dataclass(frozen=True)
class AutoEncoder:
    """Auto-encoder of one session, trained on its own embeddings at inference.

    Kwon et al. 2021 (arXiv 2104.02879): one fully connected layer for the encoder and one for the
    decoder, 20 dimensions, mean squared error. The paper does not state the rest: here the layers
    are linear and without biases, since codes are compared by cosine and a bias would be common to
    all. The optimum is therefore the space of :class:`PrincipalComponents`.

    Attributes
    ----------
    dimension : int
        Dimension of the code, which is what is clustered.
    steps : int
        Steps of Adam, at full batch.
    learning_rate : float
    loss : {"mse", "cosine"}
        Between unit vectors and their reconstruction.
    seed : int
        Seed of the initial weights; the global random state is not touched.
    max_rows : int
        Maximum number of embeddings to fit to, evenly spaced over the session; all are encoded.
        Bounds the time and memory of the fit.
    """

    dimension: int = 20
    steps: int = 500
    learning_rate: float = 1e-3
    loss: Loss = "mse"
    seed: int = 0
    max_rows: int = 4000

    def __post_init__(self) -> None:
        """Check the settings."""
        check_dimension(self.dimension)
        check_choice(self, "loss", Loss)
        check_counts(self, "steps", "max_rows")
        check_counts(self, "seed", minimum=0)
        check_numbers(self, "learning_rate", above=0.0)

    def __call__(self, embeddings: Matrix) -> Matrix:
        """See :class:`Reduction`."""
        if min(embeddings.shape) <= self.dimension:
            return embeddings
        count = min(len(embeddings), self.max_rows)
        rows = np.linspace(0, len(embeddings) - 1, count).round().astype(np.int64)
        return normalize_or_first_axis(embeddings @ self.fit(embeddings[rows]).T)

    def fit(self, embeddings: Matrix) -> Matrix:
        """Train on ``(n, dim)``; returns the weights of the encoder, ``(dimension, dim)``."""
        import torch
        from torch import nn

        data = torch.from_numpy(embeddings).float()
        generator = torch.Generator().manual_seed(self.seed)
        encoder = _initial_weights(data.shape[1], self.dimension, generator)
        decoder = _initial_weights(self.dimension, data.shape[1], generator)
        optimizer = torch.optim.Adam([encoder, decoder], lr=self.learning_rate)
        for _ in range(self.steps):
            reconstruction = data @ encoder.T @ decoder.T
            if self.loss == "mse":
                error = nn.functional.mse_loss(reconstruction, data)
            else:
                error = 1 - nn.functional.cosine_similarity(reconstruction, data, dim=1).mean()
            encoder.grad, decoder.grad = torch.autograd.grad(error, [encoder, decoder])
            optimizer.step()
        weights: Matrix = encoder.detach().double().numpy()
        return weights


def _initial_weights(inputs: int, outputs: int, generator: Generator) -> Tensor:
    """Weights ``(outputs, inputs)``, uniform within 1 / sqrt(inputs) as in torch.nn.Linear."""
    import torch

    bound = inputs**-0.5
    weights = torch.empty(outputs, inputs).uniform_(-bound, bound, generator=generator)
    return weights.requires_grad_()


def project(
    embeddings: ArrayLike, dimension: int = 20, method: Projection = "session"
) -> NDArray[np.float32]:
    """Reduce the embeddings of one session, however few they are.

    Parameters
    ----------
    embeddings : array, shape (n, dim)
        All from one encoder.
    dimension : int
        From 1 to dim.
    method : {"session", "principal", "trained"}
        ``session``: :class:`AutoEncoder`; ``principal``: :class:`PrincipalComponents`. With no more
        embeddings than dimensions both give coordinates in the embeddings' own span, which
        preserves every cosine, padded by zeros. ``trained``: :class:`Prefix`, for encoders trained
        for it.

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
    if not isinstance(method, str) or method not in get_args(Projection):
        known = ", ".join(get_args(Projection))
        raise ArgumentError(f"`method` must be one of {known}, got {method!r}.")
    if method == "trained":
        return Prefix(dimension)(vectors).astype(np.float32)
    if len(vectors) <= dimension:
        return _span_coordinates(vectors, dimension)
    reduction = AutoEncoder(dimension) if method == "session" else PrincipalComponents(dimension)
    return reduction(vectors)[:, :dimension].astype(np.float32)


def _span_coordinates(vectors: Matrix, dimension: int) -> NDArray[np.float32]:
    """Coordinates in an orthonormal basis of the vectors' span, padded by zeros."""
    left, values, _ = np.linalg.svd(vectors, full_matrices=False)
    coordinates = left * values  # equal to vectors @ axes
    largest = np.abs(coordinates).argmax(axis=0)
    coordinates *= np.where(coordinates[largest, np.arange(len(values))] < 0, -1.0, 1.0)
    projected = np.zeros((len(vectors), dimension), np.float32)
    projected[:, : coordinates.shape[1]] = coordinates
    return projected
