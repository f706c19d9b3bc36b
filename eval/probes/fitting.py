"""Fitting and scoring linear models: scikit-learn's, with intervals over whole groups."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.verification.confidence_interval import Interval

__all__ = [
    "balanced_accuracy",
    "explained_variance",
    "fit_classifier",
    "fit_regression",
    "group_interval",
    "shuffle_labels",
]

Floats = NDArray[np.float64]
STRENGTH = 0.1  # of the data against the regularisation; components are standardised


def balanced_accuracy(truth: NDArray[Any], found: NDArray[Any]) -> float:
    """Mean over the answers that occur of the share of each that was found."""
    return float(np.mean([np.mean(found[truth == one] == one) for one in np.unique(truth)]))


def explained_variance(truth: NDArray[Any], found: NDArray[Any]) -> float:
    """R2: 1 less the squared error over the variance; NaN where the truth does not vary."""
    spread = float(np.square(truth - truth.mean()).sum())
    return 1 - float(np.square(truth - found).sum()) / spread if spread > 0 else float("nan")


def shuffle_labels(
    truth: NDArray[np.intp], names: NDArray[np.str_], random: np.random.Generator
) -> NDArray[np.intp]:
    """Shuffle among speakers where each has one label, else among utterances."""
    people, first, person = np.unique(names, return_index=True, return_inverse=True)
    own = truth[first]
    if len(np.unique(own)) < len(people) and np.array_equal(own[person], truth):
        return random.permutation(own)[person]
    return random.permutation(truth)


def fit_classifier(rows: Floats, truth: NDArray[np.intp]) -> Any:
    """Fit a logistic regression on standardised components, all answers weighing alike."""
    from sklearn.linear_model import LogisticRegression

    return _fit(LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000), rows, truth)


def fit_regression(rows: Floats, value: Floats) -> Any:
    """Fit a ridge regression on standardised components, its strength by leaving one out."""
    from sklearn.linear_model import RidgeCV

    return _fit(RidgeCV(alphas=np.logspace(-1, 4, 11)), rows, value)


def _fit(last: Any, rows: Floats, truth: NDArray[Any]) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    imputer = SimpleImputer(keep_empty_features=True)
    with warnings.catch_warnings():
        # A probe that has not quite converged is still a probe, and is scored as what it is.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return make_pipeline(imputer, StandardScaler(), last).fit(rows, truth)


def group_interval(
    measure: Callable[[NDArray[Any], NDArray[Any]], float],
    truth: NDArray[Any],
    found: NDArray[Any],
    groups: NDArray[Any],
    resamples: int,
    seed: int,
) -> Interval:
    """Give a measure, and 95 % of its bootstrap over groups.

    :func:`diarspk.verification.confidence_interval.bootstrap_interval` is for trials of two kinds;
    here all answers may be right.
    """
    _, group = np.unique(groups, return_inverse=True)
    order = np.argsort(group, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(group))[:-1])
    random = np.random.default_rng(seed)
    values = []
    for _ in range(resamples):
        chosen = np.concatenate(
            [members[one] for one in random.integers(len(members), size=len(members))]
        )
        values.append(measure(truth[chosen], found[chosen]))
    value = measure(truth, found)
    if not values:
        return Interval(value, value, value)
    low, high = np.nanquantile(values, [0.025, 0.975]).tolist()
    return Interval(value, low, high)
