"""One auto-encoder per session, fitted to that session's own embeddings when they are clustered.

Kwon et al. 2021, "Adapting speaker embeddings for speaker diarisation" (arXiv 2104.02879). The
paper states one encoder and one decoder layer, 20 dimensions and a mean squared error; what it
leaves open is stated here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.reduction import check_dimension, directions
from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Generator, Tensor

__all__ = ["AutoEncoder"]

Matrix = NDArray[np.float64]
Loss = Literal["mse", "cosine"]


@dataclass(frozen=True)
class AutoEncoder:
    """Fully connected, dim -> dimension -> dim, trained on the session at full batch.

    Linear and without biases: codes are compared by cosine, and a bias would be common to all.
    Its best is therefore the space of :class:`PrincipalComponents`, which serves as its control.

    Attributes
    ----------
    dimension : int
        Of the code, which is what is clustered.
    steps : int
        Steps of Adam.
    learning_rate : float
    loss : {"mse", "cosine"}
        Between unit vectors and their reconstruction.
    seed : int
        Of the first weights; the global random state is not touched.
    most_rows : int
        Longer sessions are fitted to so many of their embeddings, evenly spaced, and all are
        encoded: time and memory of the fit are bounded.
    """

    dimension: int = 20
    steps: int = 500
    learning_rate: float = 1e-3
    loss: Loss = "mse"
    seed: int = 0
    most_rows: int = 4000

    def __post_init__(self) -> None:
        """Check the settings."""
        check_dimension(self.dimension)
        if self.loss not in get_args(Loss):
            raise ArgumentError(f"`loss` must be one of mse, cosine, got {self.loss!r}.")
        if self.steps < 1 or self.most_rows < 1:
            raise ArgumentError(
                f"`steps` and `most_rows` must be at least 1, got {self.steps}, {self.most_rows}."
            )
        if not self.learning_rate > 0:
            raise ArgumentError(f"`learning_rate` must be above 0, got {self.learning_rate}.")

    def __call__(self, embeddings: Matrix) -> Matrix:
        """See :class:`diarspk.clustering.adaptation.Reduction`."""
        if min(embeddings.shape) <= self.dimension:
            return embeddings
        count = min(len(embeddings), self.most_rows)
        rows = np.linspace(0, len(embeddings) - 1, count).round().astype(np.int64)
        return directions(embeddings @ self._fit(embeddings[rows]).T)

    def _fit(self, embeddings: Matrix) -> Matrix:
        """Train on ``(n, dim)``; weights of the encoder ``(dimension, dim)``."""
        import torch
        from torch import nn

        data = torch.from_numpy(embeddings).float()
        chance = torch.Generator().manual_seed(self.seed)
        encoder = _weights(data.shape[1], self.dimension, chance)
        decoder = _weights(self.dimension, data.shape[1], chance)
        optimizer = torch.optim.Adam([encoder, decoder], lr=self.learning_rate)
        for _ in range(self.steps):
            restored = data @ encoder.T @ decoder.T
            if self.loss == "mse":
                error = nn.functional.mse_loss(restored, data)
            else:
                error = 1 - nn.functional.cosine_similarity(restored, data, dim=1).mean()
            encoder.grad, decoder.grad = torch.autograd.grad(error, [encoder, decoder])
            optimizer.step()
        weights: Matrix = encoder.detach().double().numpy()
        return weights


def _weights(inputs: int, outputs: int, chance: Generator) -> Tensor:
    """Weights ``(outputs, inputs)`` of a layer, uniform within 1 / sqrt(inputs) as torch's own."""
    import torch

    reach = inputs**-0.5
    weights = torch.empty(outputs, inputs).uniform_(-reach, reach, generator=chance)
    return weights.requires_grad_()
