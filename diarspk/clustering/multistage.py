"""Multi-stage clustering: the number of windows selects the method."""

from __future__ import annotations

from dataclasses import dataclass, field

from diarspk.clustering.agglomerative import AgglomerativeClusterer
from diarspk.clustering.clusterer import PartitionClusterer
from diarspk.clustering.clustering import Clustering
from diarspk.clustering.spectral import SpectralClusterer
from diarspk.clustering.weighted_points import WeightedPoints
from diarspk.errors import ArgumentError

__all__ = ["MultiStageClusterer"]


@dataclass(frozen=True)
class MultiStageClusterer(PartitionClusterer):
    """Multi-stage clustering (Wang et al. 2022, arXiv 2210.13690) of complete sessions.

    Few windows are clustered by the fallback, more by the main clusterer, and many are reduced to
    micro-clusters first. The defaults are the paper's L = 50 and U1 = 100. Count scores are those
    of the clusterer that decided.

    Attributes
    ----------
    main : PartitionClusterer
        For L windows or more, and for micro-clusters.
    fallback : AgglomerativeClusterer
        For fewer than L windows.
    min_windows : int
        L.
    exact_up_to : int
        U1.
    """

    main: PartitionClusterer = field(default_factory=SpectralClusterer)
    fallback: AgglomerativeClusterer = field(default_factory=AgglomerativeClusterer)
    min_windows: int = 50
    exact_up_to: int = field(default=100, kw_only=True)

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        if not 1 <= self.min_windows <= self.exact_up_to:
            raise ArgumentError(
                f"`min_windows` must be within 1..exact_up_to={self.exact_up_to}, "
                f"got {self.min_windows}."
            )

    def partition(self, points: WeightedPoints) -> Clustering:
        """Partition by the fallback or the main clusterer."""
        few = points.weights.sum() < self.min_windows
        return (self.fallback if few else self.main).partition(points)
