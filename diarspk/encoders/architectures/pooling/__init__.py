"""From frame features to one vector.

:class:`Pooling` is the signature that all but :class:`GatedStatisticsPooling` share (that one
pools many weighted spans of the embedded network at once); :func:`build_pooling` knows them by
name.
"""

from diarspk.encoders.architectures.pooling.attentive import (
    ESPNET_ATTENTION,
    SPEECHBRAIN_ATTENTION,
    WESPEAKER_ATTENTION,
    AttentionConfig,
    ChannelAttentiveStatisticsPooling,
)
from diarspk.encoders.architectures.pooling.dictionary import DictionaryPooling
from diarspk.encoders.architectures.pooling.gated import GatedStatisticsPooling
from diarspk.encoders.architectures.pooling.names import POOLINGS, build_pooling
from diarspk.encoders.architectures.pooling.statistics import (
    MeanPooling,
    Pooling,
    StatisticsPooling,
    TemporalStatisticsPooling,
)

__all__ = [
    "ESPNET_ATTENTION",
    "POOLINGS",
    "SPEECHBRAIN_ATTENTION",
    "WESPEAKER_ATTENTION",
    "AttentionConfig",
    "ChannelAttentiveStatisticsPooling",
    "DictionaryPooling",
    "GatedStatisticsPooling",
    "MeanPooling",
    "Pooling",
    "StatisticsPooling",
    "TemporalStatisticsPooling",
    "build_pooling",
]
