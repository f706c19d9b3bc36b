"""Extraction networks: mixture ``(batch, time)`` and cue to the voice of the target."""

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
