"""VBx: Bayesian HMM or GMM clustering in the space of a PLDA."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_counts, check_flags, check_numbers, check_types
from diarspk.clustering.agglomerative import AgglomerativeClusterer
from diarspk.clustering.clusterer import Clustering, PartitionClusterer
from diarspk.clustering.plda import Plda
from diarspk.clustering.variational import VBxSettings, infer, lower_bound, smooth_labels
from diarspk.clustering.weighted_points import WeightedPoints, number_by_appearance

__all__ = [
    "AMI_BEAMFORMED",
    "AMI_MIX_HEADSET",
    "CALLHOME",
    "COMMUNITY_1",
    "DIHARD2",
    "VBxClusterer",
]

MIN_PRIOR = 1e-7
"""Speakers with a smaller prior are dropped, as in pyannote.audio 4."""

MAX_COMPARED = 12
"""Maximum number of speakers of which all pairs are compared to find the best merge."""

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
    """VBx (Landini et al. 2022, arXiv 2012.14952), initialized by agglomerative clustering.

    The HMM form assumes consecutive windows of one speaker each; where a window can have several
    embeddings, use the GMM form. Published settings belong to the PLDA, and to the windows, that
    they were tuned with.

    Time is linear in the windows and memory in windows times initial speakers, so no micro-clusters
    are needed here; the initial clusterer makes its own. Count scores: the probability that exactly
    so many speakers have a window, windows being independent given the speaker models.

    Attributes
    ----------
    plda : Plda
        PLDA of the encoder that made the embeddings.
    settings : VBxSettings
        Hyper-parameters.
    initial : AgglomerativeClusterer
        Clusterer of the initial labels; it should find too many speakers rather than too few.
    max_initial : int
        Maximum number of initial speakers, unless the minimum is higher.
    use_initial_labels : bool
        Start from the caller's initial labels as well; the highest lower bound wins.
    centring : float
        Share of the mean embedding to subtract before the initial clustering, since the channel of
        a recording is common to all its voices.
    exact_up_to : int
        As for every clusterer. Default: practically any number of windows.
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
        check_numbers(self, "centring", minimum=0.0, below=1.0)
        check_counts(self, "max_initial")
        check_flags(self, "use_initial_labels")
        check_types(self, plda=Plda, settings=VBxSettings, initial=AgglomerativeClusterer)

    def partition(self, points: WeightedPoints) -> Clustering:
        """Infer responsibilities; each point is assigned to its most probable speaker."""
        # Before the features are computed, since both need much memory.
        starts = list(self._initial_responsibilities(points))
        features, weights = self.plda.project(points.means), points.weights
        posteriors = [
            infer(features, self.plda.between, start, self.settings, weights) for start in starts
        ]
        posterior = max(posteriors, key=lambda one: float(one.bounds[-1]))  # the first of equals
        responsibilities = posterior.responsibilities[:, posterior.priors > MIN_PRIOR]
        labels = np.asarray(responsibilities.argmax(axis=1), dtype=np.int64)
        return Clustering(labels, _count_probabilities(responsibilities))

    def _initial_responsibilities(self, points: WeightedPoints) -> Iterator[NDArray[np.float64]]:
        """Soften the own initial labels, and the caller's where they are within the bounds."""
        highest = max(min(points.max_speakers, self.max_initial), points.min_speakers)
        starts = [self._initial_labels(points.bounded(points.min_speakers, highest))]
        starts += points.initial_labels if self.use_initial_labels else ()
        for number, labels in enumerate(starts):
            numbered = np.unique(labels, return_inverse=True)[1]
            if number == 0 or points.min_speakers <= numbered.max() + 1 <= highest:
                yield smooth_labels(numbered, self.settings.smoothing)

    def _initial_labels(self, points: WeightedPoints) -> NDArray[np.int64]:
        if self.centring:
            points = points.centred(self.centring)
        return self.initial.solve(points).labels

    def candidates(self, points: WeightedPoints) -> tuple[Clustering, NDArray[np.int64]]:
        """See :class:`PartitionClusterer`; too many speakers are merged by :meth:`cost`."""
        own, unbounded = super().candidates(points)
        unbounded = number_by_appearance(unbounded)
        while points.max_speakers < unbounded.max() + 1 <= MAX_COMPARED:
            merged = [
                np.where(unbounded == other, one, unbounded)
                for one, other in combinations(range(int(unbounded.max()) + 1), 2)
            ]
            best = min(merged, key=lambda labels: self.cost(points, labels))
            unbounded = number_by_appearance(best)
        return own, unbounded

    def cost(self, points: WeightedPoints, labels: NDArray[np.int64]) -> float:
        """Negative variational lower bound (ELBO) of a partition."""
        features = self.plda.project(points.means)
        numbered = np.unique(labels, return_inverse=True)[1]
        return -lower_bound(features, self.plda.between, numbered, self.settings, points.weights)


def _count_probabilities(responsibilities: NDArray[np.float64]) -> dict[int, float]:
    """Probability of each number of speakers with one window or more (Poisson binomial)."""
    with np.errstate(divide="ignore"):
        unused = np.exp(np.log1p(-np.minimum(responsibilities, 1.0)).sum(axis=0))
    probabilities = reduce(np.convolve, [[none, 1.0 - none] for none in unused], np.ones(1))
    return {count: float(probabilities[count]) for count in range(1, len(probabilities))}
