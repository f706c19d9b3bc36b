"""Poolings by name, for the configurations of architectures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from diarspk.encoders.architectures.pooling.attentive import (
    COQUI_ATTENTION,
    ESPNET_ATTENTION,
    SPEECHBRAIN_ATTENTION,
    WESPEAKER_ATTENTION,
    ChannelAttentiveStatisticsPooling,
)
from diarspk.encoders.architectures.pooling.statistics import (
    DictionaryPooling,
    MeanPooling,
    Pooling,
    StatisticsPooling,
    TemporalStatisticsPooling,
)
from diarspk.errors import ArgumentError

__all__ = ["POOLINGS", "build_pooling"]

_attentive = partial(partial, ChannelAttentiveStatisticsPooling)

POOLINGS: Mapping[str, Callable[[int], Pooling]] = MappingProxyType(
    {
        "mean": MeanPooling,
        "statistics": StatisticsPooling,
        "unbiased-statistics": partial(StatisticsPooling, correction=1),
        "temporal-statistics": TemporalStatisticsPooling,
        "channel-attentive": _attentive(config=ESPNET_ATTENTION),
        "channel-attentive-wespeaker": _attentive(config=WESPEAKER_ATTENTION),
        "channel-attentive-local": _attentive(config=replace(WESPEAKER_ATTENTION, context=False)),
        "channel-attentive-speechbrain": _attentive(config=SPEECHBRAIN_ATTENTION),
        "channel-attentive-coqui": _attentive(config=COQUI_ATTENTION),
        "dictionary": DictionaryPooling,
    }
)
"""Constructors by name; the argument is the number of channels."""


def build_pooling(name: str, channels: int) -> Pooling:
    """Build a pooling with random parameters, where it has any.

    Raises
    ------
    ArgumentError
        If there is none of this name.
    """
    if name not in POOLINGS:
        raise ArgumentError(f"`pooling` must be one of {', '.join(POOLINGS)}, got {name!r}")
    return POOLINGS[name](channels)
