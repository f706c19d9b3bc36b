"""Training of alignments: small, on the CPU, stopped by speakers that are held out."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.errors import ArgumentError

__all__ = ["Loss", "TrainingConfig", "train"]

Loss = Literal["mse", "contrastive", "both"]

LossOf = Callable[[Tensor], Tensor]
"""Indices of a batch ``(n,)`` -> its loss."""


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of training.

    Attributes
    ----------
    loss : "mse", "contrastive" or "both"
        "both" is their sum.
    temperature : float
        Of the contrastive loss.
    held_out : float
        Share of the speakers (of the pairs, where speakers are unknown) that says when to stop.
    patience : int
        Epochs without improvement on them before training stops.
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


def train(
    network: nn.Module, loss_of: LossOf, speakers: NDArray[np.int64], config: TrainingConfig
) -> None:
    """Minimise a loss and leave the network at its best on the held-out speakers.

    The state of torch's random numbers is as before afterwards.

    Raises
    ------
    ArgumentError
        If there are too few pairs to hold any out.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        kept, held = _split(speakers, config)
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        best, best_state, waited = float("inf"), deepcopy(network.state_dict()), 0
        for _ in range(config.epochs):
            network.train()
            for batch in torch.split(kept[torch.randperm(len(kept))], config.batch):
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
    """Choose indices to train on, and indices of whole speakers to stop by."""
    random = np.random.default_rng(config.seed)
    names = np.unique(speakers)
    count = max(1, round(config.held_out * len(names)))
    if len(names) < 3:
        raise ArgumentError(f"`speakers` must be three or more, got {len(names)}")
    held = np.isin(speakers, random.permutation(names)[:count])
    return torch.from_numpy(np.flatnonzero(~held)), torch.from_numpy(np.flatnonzero(held))
