"""Speaker encoders, and the parts they are made of."""

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.pooling import GatedStatisticsPooling
from diarspk.encoders.architectures.registry import ARCHITECTURES, build_architecture
from diarspk.encoders.base import FrameEmbeddings, SpeakerEncoder
from diarspk.encoders.local.encoder import LocalEncoder, Region
from diarspk.encoders.local.frame_head import FrameHead, FrameHeadConfig
from diarspk.encoders.local.network import SpeakerNetwork, SpeakerNetworkConfig
from diarspk.encoders.local.trunk import LocalTrunk, TrunkConfig
from diarspk.encoders.windowed import WindowConfig, WindowedEncoder, build_encoder

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "FrameEmbeddings",
    "FrameHead",
    "FrameHeadConfig",
    "GatedStatisticsPooling",
    "LocalEncoder",
    "LocalTrunk",
    "Region",
    "SpeakerEncoder",
    "SpeakerNetwork",
    "SpeakerNetworkConfig",
    "TrunkConfig",
    "WindowConfig",
    "WindowedEncoder",
    "build_architecture",
    "build_encoder",
]
