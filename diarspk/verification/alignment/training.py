"""Networks, losses and training of alignments: small, on the CPU, with early stopping."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.arguments import check_choice, check_count, check_counts, check_numbers
from diarspk.errors import ArgumentError

__all__ = [
    "Loss",
    "Mlp",
    "MlpConfig",
    "TrainingConfig",
    "contrastive_loss",
    "squared_error",
    "train",
]

Loss = Literal["mse", "contrastive", "both"]

LossOf = Callable[[Tensor], Tensor]
"""Callable(indices of a batch ``(n,)``) -> loss."""


@dataclass(frozen=True)
class MlpConfig:
    """Architecture of :class:`Mlp`.

    Attributes
    ----------
    hidden : tuple of int
        Width of each hidden layer. Empty: a linear map.
    dropout : float
    """

    hidden: tuple[int, ...] = (512,)
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if not isinstance(self.hidden, tuple):
            raise ArgumentError(f"`hidden` must be a tuple of widths, got {self.hidden!r}")
        for width in self.hidden:
            check_count(width, "hidden")
        check_numbers(self, "dropout", minimum=0.0, below=1.0)


class Mlp(nn.Module):
    """``(batch, source)`` -> unit vectors ``(batch, target)``.

    Sum of a linear map and a multilayer perceptron: spaces of related encoders differ by little
    more than a rotation, which the linear part learns at once; the perceptron adds the
    non-linear rest.
    """

    def __init__(self, source: int, target: int, config: MlpConfig) -> None:
        super().__init__()
        self.linear = nn.Linear(source, target)
        layers: list[nn.Module] = []
        width = source
        for hidden in config.hidden:
            layers += [nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(config.dropout)]
            width = hidden
        self.bend = nn.Sequential(*layers, nn.Linear(width, target)) if layers else None
        if self.bend is not None:
            last = self.bend[-1]
            assert isinstance(last, nn.Linear)
            nn.init.zeros_(last.weight)  # so that training starts with the linear map alone
            nn.init.zeros_(last.bias)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map vectors."""
        mapped = self.linear(vectors)
        if self.bend is not None:
            mapped = mapped + self.bend(vectors)
        return nn.functional.normalize(mapped, dim=-1)


def squared_error(mapped: Tensor, reference: Tensor) -> Tensor:
    """Mean squared distance of rows ``(batch, dim)``; ``2 - 2 cos`` for unit vectors."""
    return (mapped - reference).square().sum(-1).mean()


def contrastive_loss(
    first: Tensor, second: Tensor, speakers: Tensor, *, temperature: float
) -> Tensor:
    """Supervised contrastive loss (Khosla et al., 2020, eq. 2) between two spaces, both ways.

    Equal to InfoNCE where all speakers differ.

    Parameters
    ----------
    first, second : Tensor ``(batch, dim)``
        Unit vectors.
    speakers : Tensor of int, ``(batch,)``
    temperature : float
        Divisor of the cosines.
    """
    logits = first @ second.T / temperature  # (batch, batch)
    same = (speakers[:, None] == speakers[None, :]).to(logits.dtype)
    share = same / same.sum(1, keepdim=True)  # symmetric counts: also right for the columns
    rows = -(share * torch.log_softmax(logits, dim=1)).sum(1).mean()
    columns = -(share * torch.log_softmax(logits.T, dim=1)).sum(1).mean()
    return (rows + columns) / 2


@dataclass(frozen=True)
class TrainingConfig:
    """Training settings of an alignment.

    Attributes
    ----------
    loss : "mse", "contrastive" or "both"
        "both": their sum.
    temperature : float
        Temperature of the contrastive loss.
    held_out : float
        Share of speakers held out for early stopping (of pairs, where speakers are unknown).
    patience : int
        Epochs without improvement on those before training stops.
    """

    loss: Loss = "mse"
    temperature: float = 0.1
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    batch: int = 256
    epochs: int = 200
    patience: int = 15
    held_out: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        check_choice(self, "loss", Loss)
        check_numbers(self, "temperature", "learning_rate", above=0.0)
        check_numbers(self, "weight_decay", minimum=0.0)
        check_numbers(self, "held_out", above=0.0, below=1.0)
        check_counts(self, "batch", "epochs")
        check_counts(self, "patience", "seed", minimum=0)


def train(
    network: nn.Module, loss_of: LossOf, speakers: NDArray[np.int64], config: TrainingConfig
) -> None:
    """Minimize a loss; the network ends with its best weights on the held-out speakers.

    The global random state of torch is restored.

    Raises
    ------
    ArgumentError
        There are too few speakers to hold any out.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        training, held = _split(speakers, config)
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        best, best_state, waited = float("inf"), deepcopy(network.state_dict()), 0
        for _ in range(config.epochs):
            network.train()
            for batch in torch.split(training[torch.randperm(len(training))], config.batch):
                loss = loss_of(batch)
                optimiser.zero_grad()
                torch.autograd.backward(loss)
                optimiser.step()
            found = _evaluate(network, loss_of, held, config.batch)
            if found < best:
                best, best_state, waited = found, deepcopy(network.state_dict()), 0
            else:
                waited += 1
                if waited >= config.patience:
                    break
    network.load_state_dict(best_state)
    network.eval()


def _evaluate(network: nn.Module, loss_of: LossOf, held: Tensor, batch: int) -> float:
    network.eval()
    with torch.no_grad():
        losses = [float(loss_of(part)) * len(part) for part in torch.split(held, batch)]
    return sum(losses) / len(held)


def _split(speakers: NDArray[np.int64], config: TrainingConfig) -> tuple[Tensor, Tensor]:
    """Split by speaker: indices for training, and for early stopping."""
    random = np.random.default_rng(config.seed)
    names = np.unique(speakers)
    count = max(1, round(config.held_out * len(names)))
    if len(names) < 3:
        raise ArgumentError(f"`speakers` must be three or more, got {len(names)}")
    held = np.isin(speakers, random.permutation(names)[:count])
    return torch.from_numpy(np.flatnonzero(~held)), torch.from_numpy(np.flatnonzero(held))
