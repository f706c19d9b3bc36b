"""Is there more than one speaker at all? Asked first, since few methods can answer with one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diarspk.clustering.problem import Problem
from diarspk.errors import ArgumentError

__all__ = ["SingleSpeakerGate"]


@dataclass(frozen=True)
class SingleSpeakerGate:
    """One speaker where nearly all windows point the same way.

    Attributes
    ----------
    similarity : float
        Least cosine between a window and the mean direction of all.
    share : float
        Share of the windows that must reach it, so that a few windows of noise do not matter.
    """

    similarity: float = 0.5
    share: float = 0.95

    def __post_init__(self) -> None:
        """Check the settings."""
        if not -1 <= self.similarity <= 1:
            raise ArgumentError(f"`similarity` must be within -1..1, got {self.similarity}.")
        if not 0 < self.share <= 1:
            raise ArgumentError(f"`share` must be above 0 and at most 1, got {self.share}.")

    def holds(self, problem: Problem) -> bool:
        """Whether the rows are one speaker's; never where the bounds ask for more."""
        if problem.fewest > 1:
            return False
        mean = problem.weights @ problem.means
        norm = float(np.linalg.norm(mean))
        if norm == 0:
            return False
        # Rows of several windows are shorter than 1, as their windows differ.
        lengths = np.maximum(np.linalg.norm(problem.means, axis=1), 1e-12)
        near = problem.means @ (mean / norm) / lengths >= self.similarity
        return bool(problem.weights[near].sum() >= self.share * problem.weights.sum())
