"""Linear probes: what can be read off a cue, beside chance and beside shuffled labels.

A probe that also answers well for labels without meaning says nothing of the cue; what it gains
over those is its selectivity (Hewitt and Liang, 2019, "Designing and interpreting probes with
control tasks"). Labels are shuffled among speakers there, not among utterances, where every
speaker has one: a control must not be harder than the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.errors import ArgumentError
from diarspk.verification.confidence_interval import Interval
from eval.probes.fitting import (
    balanced_accuracy,
    explained_variance,
    fit_classifier,
    fit_regression,
    group_interval,
    shuffle_labels,
)

__all__ = ["Probed", "probe_labels", "probe_values"]

Floats = NDArray[np.float64]
MIN_SPEAKERS = 2
SHUFFLES = 3


@dataclass(frozen=True)
class Probed:
    """Result of a linear probe on a cue.

    Attributes
    ----------
    cue, task, measure : str
        The measure is ``balanced accuracy``, the mean of each answer's recall, or ``R2``, the
        share of the variance that is explained, which is below 0 where the mean is nearer.
    score : Interval
        On what the probe was not fitted on; the interval draws whole groups (speakers, or
        utterances where the speaker is the question).
    chance : float
        Of guessing, or of the mean.
    shuffled : float
        Mean score of probes that were fitted on shuffled labels.
    answers : int
        Number of different labels; 0 for values.
    fitted, tested, groups : int
        Utterances, and groups that the interval draws from.
    importance : ndarray, ``(dim,)``
        Mean absolute weight of each standardised component.
    """

    cue: str
    task: str
    measure: str
    score: Interval
    chance: float
    shuffled: float
    answers: int
    fitted: int
    tested: int
    groups: int
    importance: Floats = field(repr=False, compare=False)

    @property
    def selectivity(self) -> float:
        """Gain over shuffled labels."""
        return self.score.value - self.shuffled

    @property
    def informativeness(self) -> float:
        """Score from chance, 0, to all that there is to know, 1."""
        return max(0.0, (self.score.value - self.chance) / (1 - self.chance))

    def as_dict(self) -> dict[str, Any]:
        """Figures as JSON holds them."""
        score = {"value": self.score.value, "low": self.score.low, "high": self.score.high}
        names = ("chance", "shuffled", "selectivity", "informativeness")
        counts = ("answers", "fitted", "tested", "groups")
        return {
            "cue": self.cue,
            "task": self.task,
            "measure": self.measure,
            **score,
            **{name: getattr(self, name) for name in (*names, *counts)},
        }


def probe_labels(
    cue: str,
    task: str,
    vectors: ArrayLike,
    labels: Sequence[str],
    speakers: Sequence[str],
    held_out: ArrayLike,
    *,
    by_speaker: bool = True,
    seed: int = 0,
    resamples: int = 200,
) -> Probed | None:
    """Fit a logistic regression and ask it about what it has not seen.

    Answers weigh alike, however many utterances they have. Components are standardised; what is
    not a number takes the mean.

    Parameters
    ----------
    vectors : array_like, ``(n, dim)``
    labels, speakers : sequence of str, ``n``
        An empty label is not asked for.
    held_out : array_like of bool, ``(n,)``
        What the probe is tested on.
    by_speaker : bool
        No speaker is on both sides; only answers that two speakers have on each side are asked
        for, and the interval draws speakers. Otherwise it draws utterances.

    Returns
    -------
    Probed, or None where fewer than two answers are left.

    Raises
    ------
    ArgumentError
        If shapes differ, or a speaker is on both sides in spite of `by_speaker`.
    """
    rows, label, names, test = _checked(vectors, labels, speakers, held_out)
    if by_speaker and (both := set(names[test]) & set(names[~test])):
        raise ArgumentError(
            f"`held_out` must keep speakers apart, {len(both)} are on both sides, e.g. {min(both)}"
        )
    keep = np.isin(label, _asked(label, names, test, MIN_SPEAKERS if by_speaker else 1))
    rows, label, names, test = rows[keep], label[keep], names[keep], test[keep]
    answers, truth = np.unique(label, return_inverse=True)
    if len(answers) < 2:
        return None
    model = fit_classifier(rows[~test], truth[~test])
    found = model.predict(rows[test])
    random = np.random.default_rng(seed)
    controls = [
        fit_classifier(rows[~test], shuffle_labels(truth[~test], names[~test], random))
        for _ in range(SHUFFLES)
    ]
    groups = names[test] if by_speaker else np.arange(int(test.sum())).astype(str)
    return Probed(
        cue=cue,
        task=task,
        measure="balanced accuracy",
        score=group_interval(balanced_accuracy, truth[test], found, groups, resamples, seed),
        chance=1 / len(answers),
        shuffled=float(
            np.mean([balanced_accuracy(truth[test], one.predict(rows[test])) for one in controls])
        ),
        answers=len(answers),
        fitted=int((~test).sum()),
        tested=int(test.sum()),
        groups=len(np.unique(groups)),
        importance=np.abs(model[-1].coef_).mean(axis=0),
    )


def probe_values(
    cue: str,
    task: str,
    vectors: ArrayLike,
    values: ArrayLike,
    speakers: Sequence[str],
    held_out: ArrayLike,
    *,
    seed: int = 0,
    resamples: int = 200,
) -> Probed | None:
    """Fit a ridge regression; the same as :func:`probe_labels` for a quantity.

    Parameters
    ----------
    values : array_like, ``(n,)``
        What is not finite is not asked for.

    Returns
    -------
    Probed, or None where the values left to test do not differ.
    """
    value = np.asarray(values, np.float64)
    rows, _, names, test = _checked(vectors, [""] * len(value), speakers, held_out)
    keep = np.isfinite(value)
    rows, value, names, test = rows[keep], value[keep], names[keep], test[keep]
    if len(np.unique(value[test])) < 2 or len(np.unique(value[~test])) < 2:
        return None
    model = fit_regression(rows[~test], value[~test])
    found = np.asarray(model.predict(rows[test]), np.float64)
    random = np.random.default_rng(seed)
    controls = [
        fit_regression(rows[~test], random.permutation(value[~test])).predict(rows[test])
        for _ in range(SHUFFLES)
    ]
    return Probed(
        cue=cue,
        task=task,
        measure="R2",
        score=group_interval(explained_variance, value[test], found, names[test], resamples, seed),
        chance=0.0,
        shuffled=float(np.mean([explained_variance(value[test], one) for one in controls])),
        answers=0,
        fitted=int((~test).sum()),
        tested=int(test.sum()),
        groups=len(np.unique(names[test])),
        importance=np.abs(model[-1].coef_),
    )


def _checked(
    vectors: ArrayLike, labels: Sequence[str], speakers: Sequence[str], held_out: ArrayLike
) -> tuple[Floats, NDArray[np.str_], NDArray[np.str_], NDArray[np.bool_]]:
    rows, test = np.asarray(vectors, np.float64), np.asarray(held_out).astype(bool)
    counts = (len(rows), len(labels), len(speakers), len(test))
    if rows.ndim != 2 or len(set(counts)) > 1:
        raise ArgumentError(
            "`vectors` must be (n, dim), and `labels`, `speakers` and `held_out` as many, "
            f"got {rows.shape}, {counts[1]}, {counts[2]}, {counts[3]}"
        )
    return rows, np.asarray(labels, str), np.asarray(speakers, str), test


def _asked(
    label: NDArray[np.str_], names: NDArray[np.str_], test: NDArray[np.bool_], fewest: int
) -> list[str]:
    """Labels that enough speakers have on both sides."""
    return [
        str(one)
        for one in np.unique(label)
        if one and min(len(set(names[(label == one) & side])) for side in (test, ~test)) >= fewest
    ]
