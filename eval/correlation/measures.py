"""Measures of one encoder, for any weights of sessions and people: what a bootstrap draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from eval.correlation.diarizing import CLUSTERINGS
from eval.intra_session.lists import LIST_NAMES
from eval.intra_session.scoring import RankedTrials
from eval.verification.all_pairs import score_all_pairs

__all__ = [
    "ACTIVITIES",
    "CLLR",
    "COMBINED",
    "CONVENTIONAL",
    "DER_MEASURES",
    "EER_MEASURES",
    "IMPURITY",
    "PLDA_RATIO",
    "PREDICTORS",
    "EncoderFigures",
    "UtterancePairs",
]

CONVENTIONAL = "eer conventional"
COMBINED = "eer combined"
CLLR = "cllr"
IMPURITY = "impurity"
PLDA_RATIO = "plda ratio"
EER_MEASURES = (CONVENTIONAL, *(f"eer {name}" for name in LIST_NAMES))
PREDICTORS = (*EER_MEASURES, CLLR, IMPURITY, PLDA_RATIO)
"""All of them are the worse the higher they are."""

ACTIVITIES = ("oracle", "system")
DER_MEASURES = tuple(
    f"der {activity} {clustering}" for activity, clustering in product(ACTIVITIES, CLUSTERINGS)
)

Weights = NDArray[np.int64]


class UtterancePairs:
    """All pairs of utterances by cosine, sorted once.

    Parameters
    ----------
    vectors : ndarray, ``(utterances, dim)``
    speakers : sequence of str, ``utterances``
    """

    def __init__(self, vectors: NDArray[np.float32], speakers: Sequence[str]) -> None:
        names, self._person = np.unique(np.asarray(speakers), return_inverse=True)
        self.people = len(names)
        self._first, self._second = np.triu_indices(len(speakers), k=1)
        scores, labels = score_all_pairs(vectors, speakers)
        self._ranked = RankedTrials(scores.astype(np.float64), labels, np.arange(len(scores)))

    def equal_error_rate(self, people: Weights) -> float:
        """Equal error rate where each person was drawn so many times, ``(people,)``.

        A person who was drawn twice is two people; pairs of these two are left out.
        """
        drawn = people[self._person]
        own = self._person[self._first] == self._person[self._second]
        weights = np.where(own, drawn[self._first], drawn[self._first] * drawn[self._second])
        return _error_rate(self._ranked, weights)


@dataclass(frozen=True, eq=False)
class EncoderFigures:
    """What one encoder gives in every session, and on utterances.

    Attributes
    ----------
    encoder, origin : str
    degraded : bool
    pairs : UtterancePairs
    trials : mapping of str to RankedTrials
        By list; a list without a trial is missing.
    errors : mapping of str to ndarray, ``(sessions, 2)``
        Errors and total in seconds, by measure of diarization; zeros in sessions without it.
    clusters : ndarray, ``(sessions, 2)``
        Pure and all seconds of the clusters, with the reference's speech and number of speakers.
    cllr, plda_ratio : ndarray, ``(sessions,)``
        NaN where undefined.
    """

    encoder: str
    origin: str
    degraded: bool
    pairs: UtterancePairs
    trials: Mapping[str, RankedTrials]
    errors: Mapping[str, NDArray[np.float64]]
    clusters: NDArray[np.float64]
    cllr: NDArray[np.float64]
    plda_ratio: NDArray[np.float64]

    def measure(
        self, sessions: Weights | None = None, people: Weights | None = None
    ) -> dict[str, float]:
        """Every measure by name, as a share, in bits (cllr) or natural logarithms (plda ratio).

        Parameters
        ----------
        sessions : ndarray of int, ``(sessions,)``, optional
            How many times each session was drawn. Default: once.
        people : ndarray of int, ``(people,)``, optional
            The same of speakers of utterances.

        Returns
        -------
        dict of str to float
            NaN where nothing that was drawn has the measure.
        """
        drawn = np.ones(len(self.cllr), np.int64) if sessions is None else sessions
        asked = np.ones(self.pairs.people, np.int64) if people is None else people
        found = {CONVENTIONAL: self.pairs.equal_error_rate(asked)}
        for name in LIST_NAMES:
            ranked = self.trials.get(name)
            found[f"eer {name}"] = np.nan if ranked is None else _error_rate(ranked, drawn)
        found[CLLR] = _mean(self.cllr, drawn)
        found[IMPURITY] = 1 - _ratio(self.clusters, drawn)
        found[PLDA_RATIO] = _mean(self.plda_ratio, drawn)
        found.update({name: _ratio(seconds, drawn) for name, seconds in self.errors.items()})
        return found


def _error_rate(ranked: RankedTrials, weights: Weights) -> float:
    curve = ranked.curve(weights)
    return np.nan if curve is None else curve.equal_error_rate


def _mean(values: NDArray[np.float64], weights: Weights) -> float:
    known = np.isfinite(values)
    total = weights[known].sum()
    return float(weights[known] @ values[known] / total) if total else np.nan


def _ratio(seconds: NDArray[np.float64], weights: Weights) -> float:
    part, total = weights @ seconds
    return float(part / total) if total else np.nan
