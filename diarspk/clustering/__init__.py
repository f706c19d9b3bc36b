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
    from diarspk.clustering.adaptation import (
        AGGREGATION_ONLY,
        AUTO_ENCODER_ONLY,
        KWON2021,
        UNADAPTED,
        Adaptation,
        AttentionAggregation,
        NonSpeechCluster,
    )
    from diarspk.clustering.agglomerative import (
        AgglomerativeClusterer,
    )
    from diarspk.clustering.clusterer import (
        Clusterer,
        Clustering,
        PartitionClusterer,
        SingleSpeakerTest,
    )
    from diarspk.clustering.clustering_input import (
        ClusteringInput,
    )
    from diarspk.clustering.count_model import (
        CountModel,
    )
    from diarspk.clustering.counting_clusterer import (
        CountingClusterer,
    )
    from diarspk.clustering.eigengap import (
        EigengapClusterer,
    )
    from diarspk.clustering.plda import (
        Plda,
        read_plda,
        write_plda,
    )
    from diarspk.clustering.plda_clusterer import (
        PldaClusterer,
        PldaClustererSettings,
    )
    from diarspk.clustering.plda_training import (
        fit_plda,
    )
    from diarspk.clustering.speaker_bounds import (
        UNBOUNDED,
        SpeakerBounds,
    )
    from diarspk.clustering.spectral import (
        AUTO_TUNE,
        ICASSP2018,
        TURN_TO_DIARIZE,
        AutoTune,
        MultiStageClusterer,
        SpectralClusterer,
        SpectralSettings,
    )
    from diarspk.clustering.variational import (
        VBxSettings,
    )
    from diarspk.clustering.vbx import (
        AMI_BEAMFORMED,
        AMI_MIX_HEADSET,
        CALLHOME,
        COMMUNITY_1,
        DIHARD2,
        VBxClusterer,
    )
    from diarspk.embeddings.unit_vectors import (
        assign,
        centroids,
    )

__all__ = [
    "AGGREGATION_ONLY",
    "AMI_BEAMFORMED",
    "AMI_MIX_HEADSET",
    "AUTO_ENCODER_ONLY",
    "AUTO_TUNE",
    "CALLHOME",
    "COMMUNITY_1",
    "DIHARD2",
    "ICASSP2018",
    "KWON2021",
    "TURN_TO_DIARIZE",
    "UNADAPTED",
    "UNBOUNDED",
    "Adaptation",
    "AgglomerativeClusterer",
    "AttentionAggregation",
    "AutoTune",
    "Clusterer",
    "Clustering",
    "ClusteringInput",
    "CountModel",
    "CountingClusterer",
    "EigengapClusterer",
    "MultiStageClusterer",
    "NonSpeechCluster",
    "PartitionClusterer",
    "Plda",
    "PldaClusterer",
    "PldaClustererSettings",
    "SingleSpeakerTest",
    "SpeakerBounds",
    "SpectralClusterer",
    "SpectralSettings",
    "VBxClusterer",
    "VBxSettings",
    "assign",
    "centroids",
    "fit_plda",
    "read_plda",
    "write_plda",
]

_HOMES = {
    "AGGREGATION_ONLY": "diarspk.clustering.adaptation",
    "AMI_BEAMFORMED": "diarspk.clustering.vbx",
    "AMI_MIX_HEADSET": "diarspk.clustering.vbx",
    "AUTO_ENCODER_ONLY": "diarspk.clustering.adaptation",
    "AUTO_TUNE": "diarspk.clustering.spectral",
    "CALLHOME": "diarspk.clustering.vbx",
    "COMMUNITY_1": "diarspk.clustering.vbx",
    "DIHARD2": "diarspk.clustering.vbx",
    "ICASSP2018": "diarspk.clustering.spectral",
    "KWON2021": "diarspk.clustering.adaptation",
    "TURN_TO_DIARIZE": "diarspk.clustering.spectral",
    "UNADAPTED": "diarspk.clustering.adaptation",
    "UNBOUNDED": "diarspk.clustering.speaker_bounds",
    "Adaptation": "diarspk.clustering.adaptation",
    "AgglomerativeClusterer": "diarspk.clustering.agglomerative",
    "AttentionAggregation": "diarspk.clustering.adaptation",
    "AutoTune": "diarspk.clustering.spectral",
    "Clusterer": "diarspk.clustering.clusterer",
    "Clustering": "diarspk.clustering.clusterer",
    "ClusteringInput": "diarspk.clustering.clustering_input",
    "CountModel": "diarspk.clustering.count_model",
    "CountingClusterer": "diarspk.clustering.counting_clusterer",
    "EigengapClusterer": "diarspk.clustering.eigengap",
    "PldaClusterer": "diarspk.clustering.plda_clusterer",
    "PldaClustererSettings": "diarspk.clustering.plda_clusterer",
    "MultiStageClusterer": "diarspk.clustering.spectral",
    "NonSpeechCluster": "diarspk.clustering.adaptation",
    "PartitionClusterer": "diarspk.clustering.clusterer",
    "Plda": "diarspk.clustering.plda",
    "SingleSpeakerTest": "diarspk.clustering.clusterer",
    "SpeakerBounds": "diarspk.clustering.speaker_bounds",
    "SpectralClusterer": "diarspk.clustering.spectral",
    "SpectralSettings": "diarspk.clustering.spectral",
    "VBxClusterer": "diarspk.clustering.vbx",
    "VBxSettings": "diarspk.clustering.variational",
    "assign": "diarspk.embeddings.unit_vectors",
    "centroids": "diarspk.embeddings.unit_vectors",
    "fit_plda": "diarspk.clustering.plda_training",
    "read_plda": "diarspk.clustering.plda",
    "write_plda": "diarspk.clustering.plda",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
