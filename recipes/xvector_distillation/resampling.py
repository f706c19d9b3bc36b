"""Error rates of several systems on the same resamples of speakers, for intervals of differences.

Systems that are tested on the same speakers err on the same trials: the interval of their
difference is far narrower than their own intervals suggest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.verification.confidence_interval import Interval

__all__ = ["ErrorResamples", "Rates", "difference", "interval"]

Rates = NDArray[np.float64]


class ErrorResamples:
    """Draws of the enrolled speakers with replacement, the same for every system.

    Parameters
    ----------
    labels : ndarray of bool, ``(trials,)``
        Whether both sides are of one speaker.
    groups : ndarray of str, ``(trials,)``
        Enrolled speaker of each trial.
    """

    def __init__(
        self, labels: NDArray[np.bool_], groups: NDArray[np.str_], *, resamples: int, seed: int = 0
    ) -> None:
        self.labels = labels
        names, self.group = np.unique(groups, return_inverse=True)
        generator = np.random.default_rng(seed)
        draws = generator.integers(len(names), size=(resamples, len(names)))
        drawn = np.stack([np.bincount(draw, minlength=len(names)) for draw in draws])
        has_targets = np.bincount(self.group, weights=labels) > 0
        drawn = drawn[(drawn[:, has_targets] > 0).any(axis=1)]  # a resample needs a target trial
        self.counts = np.vstack([np.ones(len(names), np.int64), drawn])

    def rates(self, scores: NDArray[np.floating]) -> Rates:
        """Equal error rates ``(1 + resamples,)``: of the trials as they are, then of each draw."""
        order = np.argsort(-scores, kind="stable")
        ends = np.append(np.diff(scores[order]) != 0, True)  # equal scores are decided together
        label, group = self.labels[order], self.group[order]
        return np.array([_equal_error_rate(count[group], label, ends) for count in self.counts])


def interval(rates: Rates, confidence: float = 0.95) -> Interval:
    """Percentile interval of what :meth:`ErrorResamples.rates` returns."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(rates[1:], [tail, 1 - tail])
    return Interval(float(rates[0]), float(low), float(high))


def difference(first: Rates, second: Rates) -> Interval:
    """Interval of ``first - second`` over the same resamples."""
    return interval(first - second)


def _equal_error_rate(
    weight: NDArray[np.int64], label: NDArray[np.bool_], ends: NDArray[np.bool_]
) -> float:
    """Interpolated rate of weighted trials by falling score, ``ends`` true where a score ends."""
    targets = np.cumsum(weight * label)
    others = np.cumsum(weight * ~label)
    misses = np.append(1.0, 1 - targets[ends] / targets[-1])
    alarms = np.append(0.0, others[ends] / others[-1])
    after = int(np.argmax(alarms >= misses))
    gap = misses[after - 1] - alarms[after - 1]
    share = gap / (gap + alarms[after] - misses[after])
    return float(alarms[after - 1] + share * (alarms[after] - alarms[after - 1]))
