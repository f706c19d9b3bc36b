"""Verification metrics: equal error rate, detection costs and Cllr.

A trial is accepted if its score is at or above the threshold. The detection curve over all
thresholds yields the metrics that depend on the order of the scores alone; :func:`actual_dcf` and
:func:`cllr` also measure the calibration of log-likelihood ratios.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.arguments import as_numbers, check_number
from diarspk.errors import ArgumentError

__all__ = [
    "DetectionCurve",
    "actual_dcf",
    "cllr",
    "detection_curve",
    "equal_error_rate",
    "min_dcf",
    "stepped_equal_error_rate",
]


@dataclass(frozen=True, eq=False)
class DetectionCurve:
    """Miss and false-alarm rates at every threshold that changes a decision.

    Attributes
    ----------
    thresholds : ndarray of float64, ``(points,)``
        Decreasing, from infinity (all rejected) to the lowest score (all accepted).
    miss_rates : ndarray of float64, ``(points,)``
        Share of the target trials below each threshold, from 1 to 0.
    false_alarm_rates : ndarray of float64, ``(points,)``
        Share of the non-target trials at or above each threshold, from 0 to 1.
    """

    thresholds: NDArray[np.float64]
    miss_rates: NDArray[np.float64]
    false_alarm_rates: NDArray[np.float64]

    @property
    def equal_error_rate(self) -> float:
        """Rate in [0, 1] at which both errors are equal, by linear interpolation."""
        excess = self.miss_rates - self.false_alarm_rates  # falls from 1 to -1
        after = int(np.argmax(excess <= 0))
        before = after - 1
        share = excess[before] / (excess[before] - excess[after])
        low, high = self.miss_rates[after], self.miss_rates[before]
        return float(high + share * (low - high))

    @property
    def stepped_equal_error_rate(self) -> float:
        """ESPnet's equal error rate: the larger error at the point where both are nearest.

        Never below :attr:`equal_error_rate`, and equal to it where a point has both errors equal.
        """
        nearest = int(np.argmin(np.abs(self.miss_rates - self.false_alarm_rates)))
        return float(max(self.miss_rates[nearest], self.false_alarm_rates[nearest]))

    @property
    def equal_error_threshold(self) -> float:
        """Highest threshold at which the false-alarm rate reaches the miss rate."""
        return float(self.thresholds[int(np.argmax(self.miss_rates <= self.false_alarm_rates))])

    def miss_rate_at(self, false_alarm_rate: float) -> float:
        """Lowest miss rate of a threshold with at most ``false_alarm_rate``: FRR at fixed FAR."""
        if not 0 <= false_alarm_rate <= 1:
            raise ArgumentError(f"`false_alarm_rate` must be in [0, 1], got {false_alarm_rate}")
        allowed = self.false_alarm_rates <= false_alarm_rate + 1e-12
        return float(self.miss_rates[allowed].min())

    def min_dcf(
        self,
        *,
        target_prior: float = 0.05,
        miss_cost: float = 1.0,
        false_alarm_cost: float = 1.0,
    ) -> float:
        """Lowest detection cost over all thresholds: see :func:`min_dcf`."""
        miss_weight, false_alarm_weight = _weights(target_prior, miss_cost, false_alarm_cost)
        cost = miss_weight * self.miss_rates + false_alarm_weight * self.false_alarm_rates
        return float(cost.min() / min(miss_weight, false_alarm_weight))


def detection_curve(scores: ArrayLike, labels: ArrayLike) -> DetectionCurve:
    """Compute the curve of miss and false-alarm rates.

    Parameters
    ----------
    scores : array_like, ``(trials,)``
        Higher means more likely the same speaker. Equal scores are accepted together.
    labels : array_like, ``(trials,)``
        True (or 1) for target trials, False (or 0) for non-target trials.

    Raises
    ------
    ArgumentError
        If the two differ in shape, a score is not a number, a label is neither 0 nor 1, or one
        kind of trial is missing.
    """
    score, target = _checked(scores, labels)
    order = np.argsort(-score, kind="stable")
    score, target = score[order], target[order]
    last_of_equal = np.flatnonzero(np.append(np.diff(score) != 0, True))
    accepted = last_of_equal + 1
    hits = np.cumsum(target)[last_of_equal]
    targets = int(target.sum())
    return DetectionCurve(
        thresholds=np.append(np.inf, score[last_of_equal]),
        miss_rates=np.append(1.0, 1 - hits / targets),
        false_alarm_rates=np.append(0.0, (accepted - hits) / (len(target) - targets)),
    )


def equal_error_rate(scores: ArrayLike, labels: ArrayLike) -> float:
    """Equal error rate in [0, 1], by linear interpolation at the crossing.

    Parameters and errors are those of :func:`detection_curve`.

    Examples
    --------
    >>> equal_error_rate([0.9, 0.8, 0.3, 0.5, 0.2, 0.1], [1, 1, 0, 1, 0, 0])
    0.0
    >>> equal_error_rate([0.9, 0.2, 0.8, 0.1], [1, 1, 0, 0])
    0.5
    """
    return detection_curve(scores, labels).equal_error_rate


def stepped_equal_error_rate(scores: ArrayLike, labels: ArrayLike) -> float:
    """ESPnet's equal error rate: see :attr:`DetectionCurve.stepped_equal_error_rate`."""
    return detection_curve(scores, labels).stepped_equal_error_rate


def min_dcf(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    target_prior: float = 0.05,
    miss_cost: float = 1.0,
    false_alarm_cost: float = 1.0,
) -> float:
    """Minimum normalized detection cost (NIST speaker recognition evaluations).

    The cost is ``miss_cost * target_prior * miss_rate + false_alarm_cost * (1 - target_prior) *
    false_alarm_rate`` at the best threshold, over the cost of the better of accepting everything
    and rejecting everything: 0 is perfect, 1 is useless.

    Raises
    ------
    ArgumentError
        As :func:`detection_curve`, or if the prior is outside (0, 1) or a cost is not positive.
    """
    return detection_curve(scores, labels).min_dcf(
        target_prior=target_prior, miss_cost=miss_cost, false_alarm_cost=false_alarm_cost
    )


def actual_dcf(
    log_likelihood_ratios: ArrayLike,
    labels: ArrayLike,
    *,
    target_prior: float = 0.05,
    miss_cost: float = 1.0,
    false_alarm_cost: float = 1.0,
) -> float:
    """Compute the normalized detection cost at the Bayes threshold, not at the optimal one.

    The threshold is ``log(false_alarm_cost * (1 - target_prior) / (miss_cost * target_prior))``.
    The excess over :func:`min_dcf` is the calibration loss. Errors are those of
    :func:`min_dcf`.

    Examples
    --------
    >>> actual_dcf([2.0, 1.0, -1.0, -2.0], [1, 1, 0, 0], target_prior=0.5)
    0.0
    """
    ratios, target = _checked(log_likelihood_ratios, labels)
    miss_weight, false_alarm_weight = _weights(target_prior, miss_cost, false_alarm_cost)
    accepted = ratios >= np.log(false_alarm_weight / miss_weight)
    misses, false_alarms = 1 - accepted[target].mean(), accepted[~target].mean()
    cost = miss_weight * misses + false_alarm_weight * false_alarms
    return float(cost / min(miss_weight, false_alarm_weight))


def cllr(log_likelihood_ratios: ArrayLike, labels: ArrayLike) -> float:
    """Cost of log-likelihood ratios in bits (Brummer and du Preez, 2006, eq. 8).

    0 is perfect; 1 is the cost of uninformative ratios of 1, and more is worse than those.

    Examples
    --------
    >>> cllr([0.0, 0.0], [1, 0])
    1.0
    """
    ratios, target = _checked(log_likelihood_ratios, labels)
    targets = np.logaddexp(0.0, -ratios[target]).mean()
    non_targets = np.logaddexp(0.0, ratios[~target]).mean()
    return float((targets + non_targets) / (2 * np.log(2)))


def _weights(target_prior: float, miss_cost: float, false_alarm_cost: float) -> tuple[float, float]:
    """Weights of the miss rate and of the false-alarm rate in a detection cost."""
    target_prior = check_number(target_prior, "target_prior")
    miss_cost = check_number(miss_cost, "miss_cost")
    false_alarm_cost = check_number(false_alarm_cost, "false_alarm_cost")
    if not 0 < target_prior < 1:
        raise ArgumentError(f"`target_prior` must be between 0 and 1, got {target_prior}")
    if not (miss_cost > 0 and false_alarm_cost > 0):
        raise ArgumentError(
            f"`miss_cost` and `false_alarm_cost` must be above 0, "
            f"got {miss_cost} and {false_alarm_cost}"
        )
    return miss_cost * target_prior, false_alarm_cost * (1 - target_prior)


def _checked(scores: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    score, label = as_numbers(scores, "scores"), as_numbers(labels, "labels")
    if score.ndim != 1 or score.shape != label.shape:
        raise ArgumentError(
            "`scores` and `labels` must be one-dimensional and equally long, "
            f"got shapes {score.shape} and {label.shape}"
        )
    if np.isnan(score).any():
        raise ArgumentError("`scores` must be numbers, got NaN")
    if not np.isin(label, (0, 1)).all():
        raise ArgumentError("`labels` must be 0 or 1 (or booleans)")
    target = label.astype(bool)
    if target.all() or not target.any():
        raise ArgumentError(
            "`labels` must hold target and non-target trials, "
            f"got {int(target.sum())} targets in {len(target)} trials"
        )
    return score, target
