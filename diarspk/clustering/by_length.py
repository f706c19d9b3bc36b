"""One clusterer for short recordings and another for all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from diarspk.arguments import check_counts, check_method
from diarspk.clustering.clusterer import Clusterer, Clustering
from diarspk.clustering.clustering_input import ClusteringInput

__all__ = ["ByLengthClusterer"]


@dataclass(frozen=True)
class ByLengthClusterer:
    """Clusterer that is chosen by the number of windows.

    In half a minute of a real meeting nobody has windows enough for :class:`PldaClusterer` to tell
    voices apart that share a microphone, and what speaks against :class:`VBxClusterer`, evidence
    that grows with the length of a recording, has not begun.

    Attributes
    ----------
    short, long : Clusterer
    max_short : int
        Maximum number of windows that `short` clusters.
    """

    use_initial_labels: ClassVar[bool] = False

    short: Clusterer
    long: Clusterer
    max_short: int

    def __post_init__(self) -> None:
        """Check the settings."""
        for name in ("short", "long"):
            check_method(getattr(self, name), name, "cluster", "a clusterer")
        check_counts(self, "max_short", minimum=0)

    def cluster(self, inputs: ClusteringInput) -> Clustering:
        """Cluster windows; see :class:`diarspk.clustering.Clusterer`."""
        chosen = self.short if len(np.asarray(inputs.embeddings)) <= self.max_short else self.long
        return chosen.cluster(inputs)
