"""What a study of so many encoders could have found."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from diarspk.errors import ArgumentError

__all__ = ["LEVEL", "POWER", "detectable_correlation", "detectable_difference"]

LEVEL, POWER = 0.05, 0.8
"""Chance of a find where there is none (two-sided), and of a find where there is one."""

RANK_VARIANCE = 1.06
"""Variance of Fisher's z of Spearman's coefficient over that of Pearson's (Fieller, Hartley and
Pearson, 1957)."""


def detectable_correlation(count: int) -> float:
    """Smallest rank correlation that ``count`` independent encoders tell from none.

    By Fisher's z, ``tanh((z(1 - LEVEL / 2) + z(POWER)) * sqrt(RANK_VARIANCE / (count - 3)))``.

    Raises
    ------
    ArgumentError
        If there are fewer than four.

    Examples
    --------
    >>> round(detectable_correlation(28), 3)
    0.52
    """
    if count < 4:
        raise ArgumentError(f"`count` must be 4 or more, got {count}")
    return float(np.tanh(_deviations() * np.sqrt(RANK_VARIANCE / (count - 3))))


def detectable_difference(deviation: float) -> float:
    """Smallest difference that is told from none, where its standard error is ``deviation``."""
    return _deviations() * deviation


def _deviations() -> float:
    """Count the standard deviations between none and what is found with that power."""
    return float(norm.ppf(1 - LEVEL / 2) + norm.ppf(POWER))
