"""Clustering of window embeddings into speakers.

Every clusterer has one method, see :class:`Clusterer`; those of this package can be called with
embeddings and keywords as well::

    labels = AgglomerativeClusterer(threshold=0.5)(embeddings, max_speakers=8)

Names in capitals are settings of papers, for :class:`SpectralClusterer` and
:class:`VBxClusterer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.clustering.agglomerative import AgglomerativeClusterer
    from diarspk.clustering.clusterer import Clusterer, PartitionClusterer, SingleSpeakerTest
    from diarspk.clustering.clustering import Clustering
    from diarspk.clustering.clustering_input import ClusteringInput
    from diarspk.clustering.eigengap import EigengapClusterer
    from diarspk.clustering.multistage import MultiStageClusterer
    from diarspk.clustering.speaker_bounds import UNBOUNDED, SpeakerBounds
    from diarspk.clustering.spectral import (
        AUTO_TUNE,
        ICASSP2018,
        TURN_TO_DIARIZE,
        AutoTune,
        SpectralClusterer,
        SpectralSettings,
    )
    from diarspk.clustering.variational import VBxSettings
    from diarspk.clustering.vbx import (
        AMI_BEAMFORMED,
        AMI_MIX_HEADSET,
        CALLHOME,
        COMMUNITY_1,
        DIHARD2,
        VBxClusterer,
    )
    from diarspk.embeddings.unit_vectors import assign, centroids

__all__ = [
    "AMI_BEAMFORMED",
    "AMI_MIX_HEADSET",
    "AUTO_TUNE",
    "CALLHOME",
    "COMMUNITY_1",
    "DIHARD2",
    "ICASSP2018",
    "TURN_TO_DIARIZE",
    "UNBOUNDED",
    "AgglomerativeClusterer",
    "AutoTune",
    "Clusterer",
    "Clustering",
    "ClusteringInput",
    "EigengapClusterer",
    "MultiStageClusterer",
    "PartitionClusterer",
    "SingleSpeakerTest",
    "SpeakerBounds",
    "SpectralClusterer",
    "SpectralSettings",
    "VBxClusterer",
    "VBxSettings",
    "assign",
    "centroids",
]

_HOMES = {
    "AMI_BEAMFORMED": "diarspk.clustering.vbx",
    "AMI_MIX_HEADSET": "diarspk.clustering.vbx",
    "AUTO_TUNE": "diarspk.clustering.spectral",
    "CALLHOME": "diarspk.clustering.vbx",
    "COMMUNITY_1": "diarspk.clustering.vbx",
    "DIHARD2": "diarspk.clustering.vbx",
    "ICASSP2018": "diarspk.clustering.spectral",
    "TURN_TO_DIARIZE": "diarspk.clustering.spectral",
    "UNBOUNDED": "diarspk.clustering.speaker_bounds",
    "AgglomerativeClusterer": "diarspk.clustering.agglomerative",
    "AutoTune": "diarspk.clustering.spectral",
    "Clusterer": "diarspk.clustering.clusterer",
    "Clustering": "diarspk.clustering.clustering",
    "ClusteringInput": "diarspk.clustering.clustering_input",
    "EigengapClusterer": "diarspk.clustering.eigengap",
    "MultiStageClusterer": "diarspk.clustering.multistage",
    "PartitionClusterer": "diarspk.clustering.clusterer",
    "SingleSpeakerTest": "diarspk.clustering.clusterer",
    "SpeakerBounds": "diarspk.clustering.speaker_bounds",
    "SpectralClusterer": "diarspk.clustering.spectral",
    "SpectralSettings": "diarspk.clustering.spectral",
    "VBxClusterer": "diarspk.clustering.vbx",
    "VBxSettings": "diarspk.clustering.variational",
    "assign": "diarspk.embeddings.unit_vectors",
    "centroids": "diarspk.embeddings.unit_vectors",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
