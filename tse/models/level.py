"""Level that a mixture is normalised by: of the whole, or, for a causal network, a running one.

The running level is the root of a mean power in which the last ten seconds count. It is made for
sessions of hours: pauses do not lower it, so that nobody who goes on after one is too loud, and
where somebody begins who is much louder than all before, it follows within a fraction of a second.
It is computed frame by frame in double precision, so it is the same however a stream is cut.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["MIN_LEVEL", "mean_level", "running_level"]

MIN_LEVEL = 1e-5
"""Root mean square below which a mixture is not amplified any further."""

MEMORY_S, ATTACK_S = 10.0, 0.5
"""Seconds over which the power is averaged, and over which it is where it has risen much."""

RISE, PAUSE = 10.0, 1e-3
"""Power relative to the mean above which it has risen much, and below which it is of a pause."""

PAUSE_WEIGHT = 0.05
"""Weight of the frames of a pause: a source that stays quiet is followed within minutes."""


def mean_level(power: Tensor) -> Tensor:
    """Root mean square over all frames of a power ``(batch, frames, 1)``: ``(batch, 1, 1)``."""
    return power.mean(1, keepdim=True).sqrt()


def running_level(
    power: Tensor, frames_per_s: float, memory: dict[str, Tensor] | None = None
) -> Tensor:
    """Level up to each frame, earlier calls included.

    Parameters
    ----------
    power : Tensor, ``(batch, frames, 1)``
        Mean power of the samples that are new in each frame.
    frames_per_s
        Frames in a second.
    memory
        State of a stream; see :data:`tse.models.network.Memory`.

    Returns
    -------
    Tensor, ``(batch, frames, 1)``
    """
    powers = power.detach().double().numpy(force=True)[..., 0]
    # Row 0: mean power; row 1: weight of what was averaged so far, in frames.
    state = np.zeros((2, len(powers)))
    if memory is not None and "level" in memory:
        state = memory["level"].numpy(force=True)
    mean, count = state
    levels = np.empty_like(powers)
    for frame in range(powers.shape[1]):
        mean, count = _follow(powers[:, frame], mean, count, frames_per_s)
        levels[:, frame] = mean
    if memory is not None:
        memory["level"] = torch.from_numpy(np.stack([mean, count]))
    return torch.from_numpy(np.sqrt(levels)[..., None]).to(power)


def _follow(
    power: NDArray[np.float64],
    mean: NDArray[np.float64],
    count: NDArray[np.float64],
    frames_per_s: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Take the next frame ``(batch,)`` into the mean and the count ``(batch,)``."""
    weight = np.where(power > PAUSE * mean, 1.0, PAUSE_WEIGHT)
    weight = np.where(power > MIN_LEVEL**2, weight, 0.0)  # digital silence says nothing
    averaged = np.where(power > RISE * mean, ATTACK_S, MEMORY_S) * frames_per_s
    count = np.minimum(count + weight, MEMORY_S * frames_per_s)
    share = weight / np.clip(count, 1.0, np.maximum(averaged, 1.0))
    return mean + share * (power - mean), count
