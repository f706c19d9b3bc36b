"""Bootstrap confidence intervals over trials, resampled by speaker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.errors import ArgumentError

__all__ = ["Interval", "bootstrap_interval"]

Statistic = Callable[[NDArray[np.float64], NDArray[np.bool_]], float]


@dataclass(frozen=True)
class Interval:
    """Estimate with its confidence interval."""

    value: float
    low: float
    high: float


def bootstrap_interval(
    statistic: Statistic,
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 200,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval of a statistic such as `equal_error_rate`.

    Parameters
    ----------
    statistic : callable
        Function of scores and labels that returns a float.
    scores, labels : array_like, ``(trials,)``
    groups : array_like, ``(trials,)``, optional
        Unit of resampling, usually the enrolment speaker: trials that share a speaker are not
        independent, so resampling single trials gives intervals that are too narrow.
    resamples : int
        Number of resamples; one without target or non-target trials is redrawn, up to ten times.

    Raises
    ------
    ArgumentError
        Shapes differ, ``confidence`` is outside (0, 1), or resamples lack target or non-target
        trials.
    """
    score, label = np.asarray(scores, np.float64), np.asarray(labels).astype(bool)
    names = np.arange(len(score)) if groups is None else np.asarray(groups)
    if not score.shape == label.shape == names.shape:
        raise ArgumentError(
            "`scores`, `labels` and `groups` must be equally long, "
            f"got {score.shape}, {label.shape}, {names.shape}"
        )
    if not 0 < confidence < 1:
        raise ArgumentError(f"`confidence` must be between 0 and 1, got {confidence}")
    members = _members(names)
    random = np.random.default_rng(seed)
    values = [
        statistic(score[chosen], label[chosen])
        for chosen in (_draw(members, label, random) for _ in range(resamples))
    ]
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(statistic(score, label), float(low), float(high))


def _members(names: NDArray[np.generic]) -> list[NDArray[np.intp]]:
    """List the trials of each group."""
    _, group = np.unique(names, return_inverse=True)
    order = np.argsort(group, kind="stable")
    return np.split(order, np.cumsum(np.bincount(group))[:-1])


def _draw(
    members: list[NDArray[np.intp]], label: NDArray[np.bool_], random: np.random.Generator
) -> NDArray[np.intp]:
    for _ in range(10):
        picked = random.integers(len(members), size=len(members))
        chosen = np.concatenate([members[index] for index in picked])
        if label[chosen].any() and not label[chosen].all():
            return chosen
    raise ArgumentError(
        "`groups` must each hold, or be many enough to draw, target and non-target trials"
    )
