"""Repeated audio: windows that say nothing new, as their sound is in the recording elsewhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.blocks import blocks

__all__ = ["count_copies"]

Matrix = NDArray[np.float64]

MAX_COMPARED = 4000
"""Windows that all are compared with; in longer recordings a sample of them (seed 0)."""

MAX_PAIRS = 200_000_000
"""Pairs of windows that are compared, beyond a sample of `MIN_COMPARED`."""

MIN_COMPARED = 1000

BLOCK_ROWS = 1000


def count_copies(
    features: Matrix, *, noise: float, share: float, overlap: float
) -> NDArray[np.float64]:
    """Count the times that the audio of each window is in the recording, from 1.

    Half the squared distance of two independent windows of one voice is the noise in all
    dimensions. It is far less where both hold the same audio, be it a jingle, a played recording, a
    loop, or a test made of the same sentences again and again. Evidence must not grow with those.

    Parameters
    ----------
    features : NDArray, shape (n, d)
        In time order, in the diagonal space of a PLDA.
    noise : float
        Variance of a window around its speaker, per dimension.
    share : float
        Share of the noise below which two windows hold the same audio.
    overlap : float
        Windows that a moment of speech lies in. Neighbours overlap and are no copies.

    Returns
    -------
    NDArray, shape (n,)
    """
    rows = features.astype(np.float32)
    sample = np.arange(len(rows))
    limit_rows = min(MAX_COMPARED, max(MAX_PAIRS // max(len(rows), 1), MIN_COMPARED))
    if len(rows) > limit_rows:
        chosen = np.random.default_rng(0).permutation(len(rows))[:limit_rows]
        sample = np.sort(chosen)
    others, squares = rows[sample], (rows**2).sum(axis=1)
    limit = np.float32(2.0 * share * noise * features.shape[1])
    reach = int(np.ceil(overlap)) - 1  # windows further away share no audio by overlapping
    found = np.zeros(len(rows))
    for part in blocks(len(rows), BLOCK_ROWS):
        distances = rows[part] @ others.T
        distances *= -2.0
        distances += squares[sample]
        distances += squares[part, None]
        apart = np.abs(np.arange(part.start, part.stop)[:, None] - sample) > reach
        found[part] = ((distances < limit) & apart).sum(axis=1)
    # A copy has as many near windows as the window itself.
    own = np.ones(len(rows))
    for lag in range(1, min(reach, len(rows) - 1) + 1):
        near = ((rows[lag:] - rows[:-lag]) ** 2).sum(axis=1) < limit
        own[lag:] += near
        own[:-lag] += near
    return 1.0 + found * (len(rows) / max(len(sample), 1)) / own
