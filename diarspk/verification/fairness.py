"""Error rates by group of speakers at one threshold, and their inequality (GARBE)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.arguments import as_numbers
from diarspk.errors import ArgumentError
from diarspk.verification.metrics import detection_curve

__all__ = ["FairnessReport", "GroupRates", "compare_groups", "gini"]


@dataclass(frozen=True)
class GroupRates:
    """Error rates of the trials within one group.

    Attributes
    ----------
    targets, non_targets : int
        Number of trials.
    miss_rate, false_alarm_rate : float or None
        At the common threshold, in [0, 1]; None without such a trial.
    equal_error_rate : float or None
        At the group's own equal-error threshold; None without trials of both kinds.
    """

    group: str
    targets: int
    non_targets: int
    miss_rate: float | None
    false_alarm_rate: float | None
    equal_error_rate: float | None


@dataclass(frozen=True)
class FairnessReport:
    """Error rates of every group at one threshold.

    Attributes
    ----------
    threshold : float
    groups : tuple of GroupRates
    few : tuple of GroupRates
        Groups with too few trials for a rate to be trusted; they do not count in the inequality.
    miss_gini, false_alarm_gini : float or None
        Gini coefficients: 0 where all groups have the same rate, 1 where one has all errors; None
        of fewer than two groups.
    """

    threshold: float
    groups: tuple[GroupRates, ...]
    few: tuple[GroupRates, ...]
    miss_gini: float | None
    false_alarm_gini: float | None

    @property
    def skipped(self) -> tuple[str, ...]:
        """Names of the groups with too few trials."""
        return tuple(rates.group for rates in self.few)

    def garbe(self, weight: float = 0.5) -> float | None:
        """Gini aggregation rate for biometric equitability (Howard et al., arXiv 2203.05051).

        ``weight`` is that of the false alarms. 0 is fair; None of fewer than two groups.
        """
        if self.miss_gini is None or self.false_alarm_gini is None:
            return None
        return weight * self.false_alarm_gini + (1 - weight) * self.miss_gini


def compare_groups(
    scores: ArrayLike,
    labels: ArrayLike,
    groups: Sequence[str],
    threshold: float,
    *,
    min_trials: int = 20,
) -> FairnessReport:
    """Compare groups at one threshold.

    Parameters
    ----------
    scores, labels : array_like, ``(trials,)``
    groups : sequence of str, ``trials``
        Group of each trial if both speakers belong to it, else "". Trials between groups are left
        out: they are easier and would hide a difference.
    min_trials : int
        Minimum number of target and of non-target trials of a group; others are in ``few``.

    Raises
    ------
    ArgumentError
        If lengths differ.
    """
    score, label = as_numbers(scores, "scores"), as_numbers(labels, "labels")
    if not isinstance(groups, Sequence | np.ndarray):
        raise ArgumentError(f"`groups` must be a list of names, got {type(groups).__name__}")
    name = np.array([str(group) for group in groups])
    if not score.shape == label.shape == name.shape:
        raise ArgumentError(
            "`scores`, `labels` and `groups` must be equally long, "
            f"got {score.shape}, {label.shape}, {name.shape}"
        )
    found: list[GroupRates] = []
    few: list[GroupRates] = []
    for group in sorted({*name.tolist()} - {""}):
        chosen = name == group
        target = label[chosen].astype(bool)
        enough = min(int(target.sum()), int((~target).sum())) >= min_trials
        (found if enough else few).append(_rates(group, score[chosen], target, threshold))
    misses = [rates.miss_rate for rates in found if rates.miss_rate is not None]
    alarms = [rates.false_alarm_rate for rates in found if rates.false_alarm_rate is not None]
    return FairnessReport(
        threshold=threshold,
        groups=tuple(found),
        few=tuple(few),
        miss_gini=gini(misses) if len(misses) > 1 else None,
        false_alarm_gini=gini(alarms) if len(alarms) > 1 else None,
    )


def gini(rates: ArrayLike) -> float:
    """Gini coefficient with the correction for few groups (Howard et al., eq. 4).

    Examples
    --------
    >>> gini([0.1, 0.1, 0.1])
    0.0
    >>> gini([0.0, 0.2])
    1.0
    """
    values = as_numbers(rates, "rates")
    if values.ndim != 1 or len(values) < 2 or not (values >= 0).all():
        raise ArgumentError(f"`rates` must be two or more, 0 or above, got {rates!r:.60}")
    count, mean = len(values), float(values.mean())
    if mean == 0:
        return 0.0
    spread = np.abs(values[:, None] - values[None, :]).sum() / (2 * count**2 * mean)
    return float(count / (count - 1) * spread)


def _rates(
    group: str, score: NDArray[np.float64], target: NDArray[np.bool_], threshold: float
) -> GroupRates:
    accepted = score >= threshold
    both = target.any() and not target.all()
    return GroupRates(
        group=group,
        targets=int(target.sum()),
        non_targets=int((~target).sum()),
        miss_rate=float(1 - accepted[target].mean()) if target.any() else None,
        false_alarm_rate=float(accepted[~target].mean()) if not target.all() else None,
        equal_error_rate=detection_curve(score, target).equal_error_rate if both else None,
    )
