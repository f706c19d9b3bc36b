"""Who speaks when: clustering of window embeddings into speakers.

Every clusterer is called in the same way, see :class:`Clusterer`::

    labels = AgglomerativeClusterer(threshold=0.5)(embeddings, max_speakers=8)

The names in capitals are the settings of papers, for :class:`SpectralClusterer`.
"""

from diarspk.clustering.agglomerative import AgglomerativeClusterer
from diarspk.clustering.centroids import assign, centroids
from diarspk.clustering.clusterer import Clusterer, PartitionClusterer
from diarspk.clustering.eigengap import EigengapClusterer
from diarspk.clustering.problem import pose, speaker_bounds
from diarspk.clustering.spectral import (
    AUTO_TUNE,
    ICASSP2018,
    TURN_TO_DIARIZE,
    AutoTune,
    SpectralClusterer,
    SpectralSettings,
)

__all__ = [
    "AUTO_TUNE",
    "ICASSP2018",
    "TURN_TO_DIARIZE",
    "AgglomerativeClusterer",
    "AutoTune",
    "Clusterer",
    "EigengapClusterer",
    "PartitionClusterer",
    "SpectralClusterer",
    "SpectralSettings",
    "assign",
    "centroids",
    "pose",
    "speaker_bounds",
]
