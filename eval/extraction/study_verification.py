"""Verification by the vectors of a cue: the error rate of drawn speakers, over all pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.verification.all_pairs import score_all_pairs

__all__ = ["VerificationPairs"]


@dataclass(frozen=True, eq=False)
class VerificationPairs:
    """All pairs of utterances, sorted by falling score.

    Attributes
    ----------
    names : tuple of str
        Speakers.
    labels : ndarray of bool, ``(pairs,)``
        Whether both utterances are of one speaker.
    first, second : ndarray of int, ``(pairs,)``
        Speaker of each, by its number.
    """

    names: tuple[str, ...]
    labels: NDArray[np.bool_]
    first: NDArray[np.int32]
    second: NDArray[np.int32]

    @classmethod
    def of(cls, vectors: NDArray[np.float32], speakers: Sequence[str]) -> VerificationPairs:
        """Compare all vectors ``(n, dim)`` by cosine."""
        scores, labels = score_all_pairs(vectors, speakers)
        order = np.argsort(-scores, kind="stable")
        names, number = np.unique(np.asarray(speakers), return_inverse=True)
        first, second = np.triu_indices(len(vectors), k=1)
        return cls(
            tuple(map(str, names)),
            labels[order],
            number[first][order].astype(np.int32),
            number[second][order].astype(np.int32),
        )

    def error_rate(self, people: Mapping[str, int] | None = None) -> float:
        """Equal error rate; NaN where a kind of pair is missing.

        Parameters
        ----------
        people
            How often each speaker is drawn. A speaker who is drawn twice is two people: nobody is
            compared with a copy. Default: each once.
        """
        counts = np.ones(len(self.names)) if people is None else self._counts(people)
        weights = counts[self.first]
        weights = np.where(self.labels, weights, weights * counts[self.second])
        accepted = np.cumsum(np.where(self.labels, weights, 0.0))
        alarms = np.cumsum(np.where(self.labels, 0.0, weights))
        if not accepted[-1] or not alarms[-1]:
            return float("nan")
        misses = np.concatenate([[1.0], 1 - accepted / accepted[-1]])
        alarms = np.concatenate([[0.0], alarms / alarms[-1]])
        after = int(np.argmax(alarms >= misses))
        before = after - 1
        gap_before, gap_after = misses[before] - alarms[before], alarms[after] - misses[after]
        share = gap_before / (gap_before + gap_after) if gap_before + gap_after else 0.0
        return float(misses[before] + share * (misses[after] - misses[before]))

    def _counts(self, people: Mapping[str, int]) -> NDArray[np.float64]:
        return np.array([people[name] for name in self.names], np.float64)
