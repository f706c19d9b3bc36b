"""Trials within groups of speakers, every group counting the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ModelError

__all__ = ["Trials", "make_trials"]

OTHERS = 60_000
"""Pairs of different speakers of a group that are taken, drawn at random."""


@dataclass(frozen=True, eq=False)
class Trials:
    """Pairs within groups.

    Attributes
    ----------
    first, second : ndarray, ``(trials,)``
        Rows of the two sides.
    labels : ndarray of bool, ``(trials,)``
    weights : ndarray, ``(trials,)``
        Every group has the same sum, of targets and of the others.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    labels: NDArray[np.bool_]
    weights: NDArray[np.float64]


def make_trials(
    speakers: Sequence[str],
    utterances: Sequence[str],
    groups: Sequence[str],
    *,
    others: int = OTHERS,
    seed: int = 0,
) -> Trials:
    """Make the trials within groups, of rows with a speaker, an utterance and a group each.

    Pairs of one utterance are left out, and groups without pairs of both kinds. Of pairs of
    different speakers, ``others`` of a group are drawn.
    """
    speaker, utterance, group = (np.asarray(one) for one in (speakers, utterances, groups))
    random = np.random.default_rng(seed)
    parts = []
    for name in sorted(set(groups)):
        rows = np.flatnonzero(group == name)
        first, second = (rows[side] for side in np.triu_indices(len(rows), k=1))
        same = speaker[first] == speaker[second]
        target = np.flatnonzero(same & (utterance[first] != utterance[second]))
        other = np.flatnonzero(~same)
        if len(target) and len(other):
            drawn = random.permutation(len(other))[:others]
            other = np.sort(other[drawn])
            chosen = np.concatenate([target, other])
            labels = np.arange(len(chosen)) < len(target)
            weights = np.where(labels, 1 / len(target), 1 / len(other))
            parts.append((first[chosen], second[chosen], labels, weights))
    if not parts:
        raise ModelError("no group has pairs of one speaker and of two; check the table")
    return Trials(*(np.concatenate(column) for column in zip(*parts, strict=True)))
