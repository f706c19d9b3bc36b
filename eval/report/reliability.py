"""How far probabilities are what they promise: bins, and the expected calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["BINS", "Bin", "expected_calibration_error", "reliability"]

BINS = 10
"""Number of bins, of equal width."""


class Bin(NamedTuple):
    """Forecasts from ``lower`` on: how many, their weight, their mean, and the share of truth."""

    lower: float
    number: int
    weight: float
    forecast: float
    truth: float


def reliability(
    forecasts: ArrayLike, truths: ArrayLike, weights: ArrayLike | None = None
) -> list[Bin]:
    """Compare probabilities with what came true; bins without a weight are left out.

    Parameters
    ----------
    forecasts, truths : array_like, ``(n,)``
        Probabilities, and whether or to which share they came true.
    weights : array_like, ``(n,)``, optional
        Weight of each. Default: 1.
    """
    said, true = np.asarray(forecasts, np.float64), np.asarray(truths, np.float64)
    each = np.ones(len(said)) if weights is None else np.asarray(weights, np.float64)
    numbers = np.minimum((said * BINS).astype(int), BINS - 1)
    bins = []
    for number in range(BINS):
        inside = numbers == number
        weight = float(each[inside].sum())
        if weight > 0:
            means = (float(np.average(one[inside], weights=each[inside])) for one in (said, true))
            bins.append(Bin(number / BINS, int(inside.sum()), weight, *means))
    return bins


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Mean distance of forecast and truth; 0 without bins.

    Guo et al. 2017, *On Calibration of Modern Neural Networks*, equation 3.
    """
    total = sum(one.weight for one in bins)
    distance = sum(one.weight * abs(one.forecast - one.truth) for one in bins)
    return distance / total if total else 0.0
