"""What all voices of a recording have in common: its microphone, line or codec, beside chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.plda import Plda
from diarspk.clustering.weighted_points import WeightedPoints

__all__ = ["common_part", "reduce_common_part"]

MAX_SAMPLE = 2000
"""Windows that the share to subtract is found on."""

STEPS = 12
"""Halvings of the interval that holds it."""

MAX_SHARE = 0.95


def common_part(points: WeightedPoints, plda: Plda) -> float:
    """Compute the squared mean of the windows, in shares of the variance between speakers.

    One voice has about 1, `s` voices without anything in common 1 / s.
    """
    mean = np.average(plda.project(points.means), axis=0, weights=points.weights)
    return float(np.mean(mean**2) / np.mean(plda.between))


def reduce_common_part(points: WeightedPoints, plda: Plda, limit: float) -> WeightedPoints:
    """Subtract so much of the mean embedding that the common part is `limit` at most."""
    rows: NDArray[np.int64] = np.unique(
        np.linspace(0, points.count - 1, min(points.count, MAX_SAMPLE)).astype(np.int64)
    )
    sample = points.subset(rows)
    if common_part(sample, plda) <= limit:
        return points
    low, high = 0.0, MAX_SHARE
    for _ in range(STEPS):
        share = (low + high) / 2
        if common_part(sample.centred(share), plda) > limit:
            low = share
        else:
            high = share
    return points.centred(high)
