"""How far the probability of a number of people is how often it is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from eval.counting.measurement import Measurement

__all__ = ["Bin", "Forecast", "calibration_error", "forecasts", "reliability"]

BINS = 10


class Forecast(NamedTuple):
    """Probability of the number that was found, whether it was right, and that of the truth."""

    probability: float
    right: bool
    probability_of_truth: float


class Bin(NamedTuple):
    """Forecasts from a probability ``lower`` on: how many, what they say, and what is true."""

    lower: float
    sessions: int
    probability: float
    right: float


def forecasts(measurements: Sequence[Measurement], *, talkative: bool = False) -> list[Forecast]:
    """Forecasts of the measurements with a posterior.

    Parameters
    ----------
    talkative
        The truth is the number of those who talk three seconds or more, not of everybody.
    """
    found = []
    for one in measurements:
        if one.posterior:
            count = max(one.posterior, key=lambda number: (one.posterior[number], -number))
            truth = one.talkative if talkative else one.people
            of_truth = one.posterior.get(truth, 0.0)
            found.append(Forecast(one.posterior[count], count == truth, of_truth))
    return found


def reliability(made: Sequence[Forecast]) -> list[Bin]:
    """Ten bins of equal width by probability; those without a forecast are left out."""
    bins = []
    for number in range(BINS):
        inside = [one for one in made if min(int(one.probability * BINS), BINS - 1) == number]
        if inside:
            said = sum(one.probability for one in inside) / len(inside)
            right = sum(one.right for one in inside) / len(inside)
            bins.append(Bin(number / BINS, len(inside), said, right))
    return bins


def calibration_error(made: Sequence[Forecast]) -> float:
    """Compute the expected calibration error: mean distance of probability and truth.

    Guo et al. 2017, *On Calibration of Modern Neural Networks*, equation 3. 0 without forecasts.
    """
    bins = reliability(made)
    total = sum(one.sessions for one in bins)
    return sum(one.sessions * abs(one.probability - one.right) for one in bins) / max(total, 1)
