"""VBx: clustering in the space of a PLDA, where unneeded speakers lose their windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.agglomerative import AgglomerativeClusterer
from diarspk.clustering.clusterer import PartitionClusterer
from diarspk.clustering.clustering import Clustering, number_by_appearance
from diarspk.clustering.plda import Plda
from diarspk.clustering.variational import VBxSettings, evidence, infer, smooth_labels
from diarspk.clustering.weighted_points import WeightedPoints
from diarspk.errors import ArgumentError

__all__ = [
    "AMI_BEAMFORMED",
    "AMI_MIX_HEADSET",
    "CALLHOME",
    "COMMUNITY_1",
    "DIHARD2",
    "VBxClusterer",
]

LEAST_PRIOR = 1e-7
"""A speaker with a smaller share is gone, as in pyannote.audio 4."""

MOST_COMPARED = 12
"""Up to so many speakers, all pairs are compared to find the one that merges best."""

AMI_BEAMFORMED = VBxSettings(0.4, 64.0, 0.65)
"""Landini et al. 2022 (arXiv 2012.14952), AMI with beamformed microphones."""

AMI_MIX_HEADSET = VBxSettings(0.4, 68.0, 0.65)
"""The same, AMI Mix-Headset."""

CALLHOME = VBxSettings(0.4, 17.0, 0.40)
"""The same, CALLHOME."""

DIHARD2 = VBxSettings(0.2, 6.0, 0.35)
"""The same, DIHARD II."""

COMMUNITY_1 = VBxSettings(0.07, 0.8, iterations=20, tolerance=1e-4)
"""The GMM form of pyannote.audio 4.0.7 (community-1) and DiariZen."""


@dataclass(frozen=True)
class VBxClusterer(PartitionClusterer):
    """Bayesian HMM or GMM clustering of embeddings (VBx), started by agglomerative clustering.

    The HMM form takes rows for consecutive windows with one speaker each; where a window can have
    several rows, the GMM form is the right one. Published settings belong to the PLDA, and the
    windows, that they were tuned with.

    Time is linear in the windows, memory windows times starting speakers, so nothing is condensed
    here; the clusterer that starts it condenses by itself. Count scores: the probability that so
    many speakers have a window, if windows were independent given the models.

    Attributes
    ----------
    plda : Plda
        Of the encoder that made the embeddings.
    settings : VBxSettings
        A recipe's, or your own.
    initial : AgglomerativeClusterer
        Starts the inference; it should find too many speakers rather than too few.
    centring : float
        Share of the mean embedding that is taken off for the start alone. All voices of a
        recording have its channel in common, which makes them alike.
    max_initial : int
        Maximum number of speakers to start with, unless the minimum is higher.
    use_initial_labels : bool
        Start from the caller's initial labels as well; the highest lower bound wins.
    """

    plda: Plda
    settings: VBxSettings = COMMUNITY_1
    initial: AgglomerativeClusterer = field(
        default_factory=lambda: AgglomerativeClusterer(0.6, "centroid")
    )
    max_initial: int = 50
    use_initial_labels: bool = False
    centring: float = 0.0
    exact_up_to: int = field(default=1_000_000, kw_only=True)

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        if not 0 <= self.centring < 1:
            raise ArgumentError(f"`centring` must be at least 0 and below 1, got {self.centring}.")

    def partition(self, points: WeightedPoints) -> Clustering:
        """Infer responsibilities; each row goes to its most probable speaker."""
        starts = list(self._starts(points))  # before there are features: both are large
        features, weights = self.plda.project(points.means), points.weights
        posteriors = [
            infer(features, self.plda.between, start, self.settings, weights) for start in starts
        ]
        posterior = max(posteriors, key=lambda one: float(one.bounds[-1]))  # the first of equals
        kept = posterior.priors > LEAST_PRIOR
        responsibilities = posterior.responsibilities[:, kept]
        found = np.asarray(responsibilities.argmax(axis=1), dtype=np.int64)
        return Clustering(found, _count_chances(responsibilities))

    def _starts(self, points: WeightedPoints) -> Iterator[NDArray[np.float64]]:
        """Responsibilities to start from; the caller's must be within the bounds."""
        most = max(min(points.max_speakers, self.max_initial), points.min_speakers)
        starts = [self._initial_labels(points.bounded(points.min_speakers, most))]
        starts += points.initial_labels if self.use_initial_labels else ()
        for number, labels in enumerate(starts):
            numbered = np.unique(labels, return_inverse=True)[1]
            if number == 0 or points.min_speakers <= numbered.max() + 1 <= most:
                yield smooth_labels(numbered, self.settings.smoothing)

    def _initial_labels(self, points: WeightedPoints) -> NDArray[np.int64]:
        if self.centring:
            points = points.centred(self.centring)
        return self.initial.solve(points).labels

    def candidates(self, points: WeightedPoints) -> tuple[Clustering, NDArray[np.int64]]:
        """See :class:`PartitionClusterer`; too many speakers are merged by :meth:`cost`."""
        own, automatic = super().candidates(points)
        automatic = number_by_appearance(automatic)
        while points.max_speakers < automatic.max() + 1 <= MOST_COMPARED:
            merged = [
                np.where(automatic == other, one, automatic)
                for one, other in combinations(range(int(automatic.max()) + 1), 2)
            ]
            best = min(merged, key=lambda labels: self.cost(points, labels))
            automatic = number_by_appearance(best)
        return own, automatic

    def cost(self, points: WeightedPoints, labels: NDArray[np.int64]) -> float:
        """Minus the lower bound of the log-likelihood of a partition."""
        features = self.plda.project(points.means)
        numbered = np.unique(labels, return_inverse=True)[1]
        return -evidence(features, self.plda.between, numbered, self.settings, points.weights)


def _count_chances(responsibilities: NDArray[np.float64]) -> dict[int, float]:
    """Probability of each number of speakers with one row or more (Poisson binomial)."""
    with np.errstate(divide="ignore"):
        unused = np.exp(np.log1p(-np.minimum(responsibilities, 1.0)).sum(axis=0))
    chances = reduce(np.convolve, [[free, 1.0 - free] for free in unused], np.ones(1))
    return {count: float(chances[count]) for count in range(1, len(chances))}
