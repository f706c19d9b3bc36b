"""How likely it is that something so quiet is anyone's turn.

Behind the voices of a meeting there are others: the neighbouring table, a far talker in somebody's
headset. They are speech to the activity head, which hears each window by itself, and nobody's turn
to those who annotate.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.special import expit

from diarspk.recording import Recording

__all__ = ["audibility"]

AUDIBLE_DB = -15.0
"""Level at which the chance is even, against the gated level of the recording's speech."""

SLOPE_DB = 2.0
REACH_S = 0.2
"""Sounds are as loud as their loudest part so near: pauses within words are not quiet."""

BLOCK_FRAMES = 15000


def audibility(recording: Recording, stride: int, hop: float) -> NDArray[np.float32]:
    """Chance in [0, 1] for every trunk frame, ``(frames,)``.

    Parameters
    ----------
    recording
        Its features, and their level.
    stride
        Feature frames of a trunk frame.
    hop
        Seconds from one trunk frame to the next.
    """
    total = -(-len(recording.features) // stride)
    loudness = np.full(total * stride, -np.inf, np.float32)
    for first in range(0, len(recording.features), BLOCK_FRAMES):
        last = min(first + BLOCK_FRAMES, len(recording.features))
        power = torch.logsumexp(recording.levelled(first, last), dim=-1)
        loudness[first:last] = power.numpy()
    mels = recording.features.shape[1]
    decibels = (loudness.reshape(total, stride).max(1) - np.log(mels)) * (10 / np.log(10))
    near = maximum_filter1d(decibels, 2 * round(REACH_S / hop) + 1, mode="nearest")
    return expit((near - AUDIBLE_DB) / SLOPE_DB).astype(np.float32)
