"""Who speaks when: clustering of window embeddings into speakers.

Every clusterer is called in the same way, see :class:`Clusterer`::

    labels = AgglomerativeClusterer(threshold=0.5)(embeddings, max_speakers=8)

The names in capitals are the settings of papers, for :class:`SpectralClusterer` and
:class:`VBxClusterer`.
"""

from diarspk.clustering.agglomerative import AgglomerativeClusterer
from diarspk.clustering.centroids import assign, centroids
from diarspk.clustering.clusterer import Clusterer, PartitionClusterer
from diarspk.clustering.clustering import Clustering
from diarspk.clustering.eigengap import EigengapClusterer
from diarspk.clustering.gate import SingleSpeakerGate
from diarspk.clustering.multistage import GrowingSession, MultiStageClusterer
from diarspk.clustering.problem import pose, speaker_bounds
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

__all__ = [
    "AMI_BEAMFORMED",
    "AMI_MIX_HEADSET",
    "AUTO_TUNE",
    "CALLHOME",
    "COMMUNITY_1",
    "DIHARD2",
    "ICASSP2018",
    "TURN_TO_DIARIZE",
    "AgglomerativeClusterer",
    "AutoTune",
    "Clusterer",
    "Clustering",
    "EigengapClusterer",
    "GrowingSession",
    "MultiStageClusterer",
    "PartitionClusterer",
    "SingleSpeakerGate",
    "SpectralClusterer",
    "SpectralSettings",
    "VBxClusterer",
    "VBxSettings",
    "assign",
    "centroids",
    "pose",
    "speaker_bounds",
]
