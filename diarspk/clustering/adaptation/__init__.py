"""Embeddings adapted to one session before they are clustered (Kwon et al. 2021).

Each part has its own switch, and works alone::

    adapted = Adaptation(reduction=AutoEncoder(), aggregation=AttentionAggregation())(embeddings)

The third part of the paper, a cluster for what is not speech, is in
:mod:`diarspk.clustering.adaptation.non_speech`. Names in capitals are the settings of papers.
"""

from diarspk.clustering.adaptation.adaptation import (
    AGGREGATION_ONLY,
    AUTO_ENCODER_ONLY,
    KWON2021,
    UNADAPTED,
    Adaptation,
)
from diarspk.clustering.adaptation.aggregation import AttentionAggregation
from diarspk.clustering.adaptation.non_speech import NonSpeechCluster
from diarspk.embeddings.autoencoder import AutoEncoder
from diarspk.embeddings.projection import Projection, project
from diarspk.embeddings.reduction import Prefix, PrincipalComponents, Reduction

__all__ = [
    "AGGREGATION_ONLY",
    "AUTO_ENCODER_ONLY",
    "KWON2021",
    "UNADAPTED",
    "Adaptation",
    "AttentionAggregation",
    "AutoEncoder",
    "NonSpeechCluster",
    "Prefix",
    "PrincipalComponents",
    "Projection",
    "Reduction",
    "project",
]
