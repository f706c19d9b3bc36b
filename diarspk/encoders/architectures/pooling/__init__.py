"""From frame features to one vector.

:class:`Pooling` is the signature that all but :class:`GatedStatisticsPooling` share (that one
pools many weighted spans of the embedded network at once); :func:`build_pooling` knows them by
name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.encoders.architectures.pooling.attentive import (
        ESPNET_ATTENTION,
        SPEECHBRAIN_ATTENTION,
        WESPEAKER_ATTENTION,
        AttentionConfig,
        ChannelAttentiveStatisticsPooling,
    )
    from diarspk.encoders.architectures.pooling.gated import GatedStatisticsPooling
    from diarspk.encoders.architectures.pooling.registry import POOLINGS, build_pooling
    from diarspk.encoders.architectures.pooling.statistics import (
        DictionaryPooling,
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

_HOMES = {
    "AttentionConfig": "diarspk.encoders.architectures.pooling.attentive",
    "ChannelAttentiveStatisticsPooling": "diarspk.encoders.architectures.pooling.attentive",
    "DictionaryPooling": "diarspk.encoders.architectures.pooling.statistics",
    "ESPNET_ATTENTION": "diarspk.encoders.architectures.pooling.attentive",
    "GatedStatisticsPooling": "diarspk.encoders.architectures.pooling.gated",
    "MeanPooling": "diarspk.encoders.architectures.pooling.statistics",
    "POOLINGS": "diarspk.encoders.architectures.pooling.registry",
    "Pooling": "diarspk.encoders.architectures.pooling.statistics",
    "SPEECHBRAIN_ATTENTION": "diarspk.encoders.architectures.pooling.attentive",
    "StatisticsPooling": "diarspk.encoders.architectures.pooling.statistics",
    "TemporalStatisticsPooling": "diarspk.encoders.architectures.pooling.statistics",
    "WESPEAKER_ATTENTION": "diarspk.encoders.architectures.pooling.attentive",
    "build_pooling": "diarspk.encoders.architectures.pooling.registry",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
