"""Gradient reversal: a classifier learns the speaker of states that learn to hide the speaker.

Ganin and Lempitsky, "Unsupervised domain adaptation by backpropagation", ICML 2015.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["SpeakerAdversary", "reverse_gradient"]


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, states: Tensor, weight: float) -> Tensor:
        context.weight = weight
        return states.view_as(states)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -context.weight * gradient, None


def reverse_gradient(states: Tensor, weight: float) -> Tensor:
    """Return the states as they are; their gradient is reversed and weighted."""
    reversed_states: Tensor = _Reversal.apply(states, weight)  # type: ignore[no-untyped-call]
    return reversed_states


class SpeakerAdversary(nn.Module):
    """States ``(batch, frames, width)`` to scores of speakers ``(batch, speakers)``.

    It reads their mean and deviation over time, as the probe of leakage does.
    """

    def __init__(self, width: int, speakers: int, weight: float) -> None:
        super().__init__()
        self.weight = weight
        self.classify = nn.Sequential(
            nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, speakers)
        )

    def forward(self, states: Tensor) -> Tensor:
        """Score the speakers."""
        states = reverse_gradient(states, self.weight)
        return self.classify(torch.cat([states.mean(dim=1), states.std(dim=1)], dim=-1))
