"""Two-covariance probabilistic linear discriminant analysis (PLDA).

An embedding is a speaker's mean plus noise, both Gaussian: ``x = mu + y + e`` with ``y ~ N(0, B)``
and ``e ~ N(0, W)`` (Brümmer and de Villiers 2010, "The speaker partitioning problem"). In the
space where W is the identity and B is diagonal, every question about speakers is a sum over
dimensions; VBx (:mod:`diarspk.clustering.vbx`) works there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.blocks import blocks
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.errors import ArgumentError, ModelError

__all__ = ["Plda", "read_plda", "write_plda"]

Matrix = NDArray[np.float64]

BLOCK_ROWS = 5000
"""Embeddings that are projected at once: intermediate results are several times their size."""


@dataclass(frozen=True, eq=False)
class Plda:
    """PLDA in its diagonal space; see :func:`diarspk.clustering.plda_training.fit_plda`.

    Attributes
    ----------
    origin : NDArray, shape (dim,)
        Subtracted from unit embeddings before they are scaled to length sqrt(dim).
    mean : NDArray, shape (dim,)
        Mean of the embeddings after that.
    transform : NDArray, shape (dim, d)
        Projection to the space where the within-speaker covariance is the identity.
    between : NDArray, shape (d,)
        Between-speaker variances there, in decreasing order: Phi of VBx.
    fingerprint : str
        Fingerprint of the encoder whose embeddings it was fitted to; empty: any encoder.
    """

    origin: Matrix
    mean: Matrix
    transform: Matrix
    between: Matrix
    fingerprint: str = ""

    def __repr__(self) -> str:
        encoder = f" of encoder {self.fingerprint}" if self.fingerprint else ""
        return f"Plda({self.dimension} to {len(self.between)} dimensions{encoder})"

    @property
    def dimension(self) -> int:
        """Dimension of the embeddings."""
        return len(self.origin)

    def project(self, embeddings: ArrayLike) -> Matrix:
        """Project embeddings ``(n, dim)`` of any scale to the diagonal space: ``(n, d)``.

        Raises
        ------
        ArgumentError
            If the dimension is not that of the PLDA.
        """
        vectors = np.asarray(embeddings, dtype=np.float64)
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension:
            raise ArgumentError(
                f"`embeddings` must be of shape (n, {self.dimension}), as those that the PLDA was "
                f"fitted to, got shape {vectors.shape}."
            )
        projected = np.empty((len(vectors), self.transform.shape[1]))
        for rows in blocks(len(vectors), BLOCK_ROWS):
            centred = length_normalize(vectors[rows], self.origin) - self.mean
            projected[rows] = centred @ self.transform
        return projected

    def log_likelihood_ratio(self, first: ArrayLike, second: ArrayLike) -> Matrix:
        """Log-likelihood ratio of "same speaker" to "different speakers", for every pair.

        Parameters
        ----------
        first, second : array, shapes (n, dim) and (m, dim)

        Returns
        -------
        NDArray, shape (n, m)
            Natural logarithm; positive for the same speaker.
        """
        one, other = self.project(first), self.project(second)
        constant, scale, shrink = self._ratio_terms()
        lengths = (one**2 @ shrink)[:, None] + (other**2 @ shrink)[None]
        ratios: Matrix = constant + (one * scale) @ other.T - 0.5 * lengths
        return ratios

    def pair_log_likelihood_ratio(self, first: ArrayLike, second: ArrayLike) -> Matrix:
        """Log-likelihood ratio of pairs of rows: ``(n, dim)`` and ``(n, dim)`` to ``(n,)``."""
        one, other = self.project(first), self.project(second)
        if len(one) != len(other):
            raise ArgumentError(f"`second` must have {len(one)} rows, as `first`, got {len(other)}")
        constant, scale, shrink = self._ratio_terms()
        cross = np.sum(one * scale * other, axis=1)
        ratios: Matrix = constant + cross - 0.5 * (one**2 + other**2) @ shrink
        return ratios

    def _ratio_terms(self) -> tuple[float, Matrix, Matrix]:
        """Terms of the ratio: the constant, and weights of products and of squares ``(d,)``."""
        phi = self.between
        # log N([a, b]; 0, [[1 + phi, phi], [phi, 1 + phi]]) - log N(a; 1 + phi) - log N(b; 1 + phi)
        constant = float(np.sum(np.log1p(phi) - 0.5 * np.log1p(2 * phi)))
        return constant, phi / (1 + 2 * phi), phi**2 / ((1 + 2 * phi) * (1 + phi))

    def truncated(self, dimension: int) -> Plda:
        """Keep the dimensions of the largest between-speaker variance, as LDA would.

        Raises
        ------
        ArgumentError
            If there are fewer dimensions.
        """
        if not 1 <= dimension <= len(self.between):
            raise ArgumentError(
                f"`dimension` must be within 1..{len(self.between)}, got {dimension}."
            )
        return replace(
            self, transform=self.transform[:, :dimension], between=self.between[:dimension]
        )

    def without(self, directions: ArrayLike) -> Plda:
        """Project directions ``(d, k)`` of the diagonal space out, and diagonalize the rest.

        Nuisance attribute projection (Solomonoff et al. 2005): what varies along them is lost.

        Raises
        ------
        ArgumentError
            If they do not have the dimensions of that space, or leave none.
        """
        taken = np.asarray(directions, dtype=np.float64)
        dimension = len(self.between)
        if taken.ndim != 2 or len(taken) != dimension or taken.shape[1] >= dimension:
            raise ArgumentError(
                f"`directions` must be of shape ({dimension}, k) with k below {dimension}, got "
                f"shape {taken.shape}."
            )
        basis = np.linalg.qr(taken, mode="complete")[0][:, taken.shape[1] :]
        variances, rotation = np.linalg.eigh((basis.T * self.between) @ basis)
        transform = self.transform @ basis @ rotation[:, ::-1]
        return replace(self, transform=transform, between=np.maximum(variances[::-1], 0.0))


def length_normalize(vectors: Matrix, origin: Matrix) -> Matrix:
    """Centre and length-normalize to sqrt(dim): ``(n, dim)``.

    Length normalisation after centring makes embeddings Gaussian enough (Garcia-Romero and
    Espy-Wilson 2011).
    """
    centred = normalize_rows(vectors) - origin
    lengths = np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    scaled: Matrix = np.sqrt(vectors.shape[1]) * centred / lengths
    return scaled


def write_plda(card_path: Path, plda: Plda, card: dict[str, object]) -> None:
    """Write ``NAME.safetensors`` in float32 and its JSON card with the digest."""
    import torch

    from diarspk.checkpoints.checkpoint import write_checkpoint

    tensors = {
        name: torch.from_numpy(np.ascontiguousarray(getattr(plda, name))).float()
        for name in ("origin", "mean", "transform", "between")
    }
    write_checkpoint(card_path, tensors, {**card, "encoder": plda.fingerprint}, half=False)


def read_plda(card_path: Path) -> Plda:
    """Read a PLDA written by :func:`write_plda`.

    Raises
    ------
    ModelError
        If a file is missing or damaged, or is no PLDA.
    """
    from diarspk.checkpoints.checkpoint import fitting_card, read_checkpoint

    checkpoint = read_checkpoint(card_path)
    try:
        parts = {
            name: checkpoint.tensors[name].double().numpy()
            for name in ("origin", "mean", "transform", "between")
        }
    except KeyError as error:
        raise ModelError(f"{card_path}: has no {error}; it is not a PLDA of this package") from None
    with fitting_card(card_path):
        return Plda(**parts, fingerprint=str(checkpoint.card.get("encoder", "")))
