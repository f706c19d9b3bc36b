"""Speaker encoders, and the parts they are made of."""

from diarspk.encoders.base import FrameEmbeddings, SpeakerEncoder
from diarspk.encoders.local import LocalEncoder, Region
from diarspk.encoders.network import SpeakerNetwork, SpeakerNetworkConfig
from diarspk.encoders.pooling import GatedStatisticsPooling
from diarspk.encoders.trunk import LocalTrunk, TrunkConfig

__all__ = [
    "FrameEmbeddings",
    "GatedStatisticsPooling",
    "LocalEncoder",
    "LocalTrunk",
    "Region",
    "SpeakerEncoder",
    "SpeakerNetwork",
    "SpeakerNetworkConfig",
    "TrunkConfig",
]
