"""Extraction networks: mixture ``(batch, time)`` and cue to the voice of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from tse.models.architectures import ARCHITECTURES, build_network, describe_network
    from tse.models.band_split import BandSplitConfig, BandSplitNetwork
    from tse.models.cross_attention import CrossAttentionConfig, CrossAttentionNetwork
    from tse.models.network import ExtractionNetwork
    from tse.models.time_domain import TimeDomainConfig, TimeDomainNetwork

__all__ = [
    "ARCHITECTURES",
    "BandSplitConfig",
    "BandSplitNetwork",
    "CrossAttentionConfig",
    "CrossAttentionNetwork",
    "ExtractionNetwork",
    "TimeDomainConfig",
    "TimeDomainNetwork",
    "build_network",
    "describe_network",
]

_HOMES = {
    "ARCHITECTURES": "tse.models.architectures",
    "BandSplitConfig": "tse.models.band_split",
    "BandSplitNetwork": "tse.models.band_split",
    "CrossAttentionConfig": "tse.models.cross_attention",
    "CrossAttentionNetwork": "tse.models.cross_attention",
    "ExtractionNetwork": "tse.models.network",
    "TimeDomainConfig": "tse.models.time_domain",
    "TimeDomainNetwork": "tse.models.time_domain",
    "build_network": "tse.models.architectures",
    "describe_network": "tse.models.architectures",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
