"""Oracle cue: the cue optimised by gradient descent on the extraction loss.

Upper bound, which needs the target, on what any cue could achieve with a given extractor (Ashihara
et al. 2024, "Investigation of speaker representation for target-speaker speech processing", arXiv
2410.11243).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from diarspk.errors import ArgumentError
from tse.cues import Cue
from tse.losses import thresholded_snr_loss
from tse.models.network import ExtractionNetwork

__all__ = ["OptimisationConfig", "optimise_cue"]


@dataclass(frozen=True)
class OptimisationConfig:
    """Settings of the optimisation; the number of iterations is the paper's.

    Attributes
    ----------
    iterations : int
        Gradient steps.
    learning_rate : float
        Step size of Adam.
    """

    iterations: int = 100
    learning_rate: float = 0.01


def optimise_cue(
    network: ExtractionNetwork,
    mixture: Tensor,
    target: Tensor,
    cue: Cue,
    config: OptimisationConfig | None = None,
) -> Cue:
    """Optimise vector and sequence of a cue; network and enrolment stay fixed.

    Parameters
    ----------
    network
        Extraction network in evaluation mode.
    mixture, target : Tensor, ``(batch, time)``
        Mixtures, and the target in each.
    cue
        Initial cue.

    Returns
    -------
    Cue
        Best cue of all iterations for each item, so never worse than the initial one.

    Raises
    ------
    ArgumentError
        If the cue has neither vector nor sequence.
    """
    config = config or OptimisationConfig()
    levels = {
        name: value.clone().requires_grad_(True)
        for name in ("vector", "sequence")
        if (value := getattr(cue, name)) is not None
    }
    if not levels:
        raise ArgumentError("`cue` must have a vector or a sequence to optimise, got neither")
    optimizer = torch.optim.Adam(levels.values(), lr=config.learning_rate)
    best = {name: value.detach().clone() for name, value in levels.items()}
    lowest = torch.full((len(mixture),), torch.inf, device=mixture.device)
    for step in range(config.iterations + 1):
        with torch.enable_grad():
            estimate = network(mixture, replace(cue, **levels))
            losses = thresholded_snr_loss(estimate, target)
        better = losses.detach() < lowest
        lowest = torch.where(better, losses.detach(), lowest)
        for name, value in levels.items():
            best[name][better] = value.detach()[better]
        if step < config.iterations:
            gradients = torch.autograd.grad(losses.sum(), list(levels.values()))
            for value, gradient in zip(levels.values(), gradients, strict=True):
                value.grad = gradient
            optimizer.step()
    return replace(cue, **best)
