"""How far the probability of a number of people is how often it is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from eval.counting.measurement import Measurement
from eval.report.reliability import Bin as WeightedBin
from eval.report.reliability import expected_calibration_error
from eval.report.reliability import reliability as weigh_bins

__all__ = ["Bin", "Forecast", "calibration_error", "forecasts", "reliability"]


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
    return [Bin(one.lower, one.number, one.forecast, one.truth) for one in _bins(made)]


def calibration_error(made: Sequence[Forecast]) -> float:
    """Compute the expected calibration error; 0 without forecasts."""
    return expected_calibration_error(_bins(made))


def _bins(made: Sequence[Forecast]) -> list[WeightedBin]:
    return weigh_bins([one.probability for one in made], [one.right for one in made])
