"""Speaker encoders, and the parts they are made of."""

from diarspk.encoders.architecture import Architecture
from diarspk.encoders.architectures import ARCHITECTURES, build_architecture, build_encoder
from diarspk.encoders.base import FrameEmbeddings, SpeakerEncoder
from diarspk.encoders.frame_head import FrameHead, FrameHeadConfig
from diarspk.encoders.local import LocalEncoder, Region
from diarspk.encoders.network import SpeakerNetwork, SpeakerNetworkConfig
from diarspk.encoders.pooling import GatedStatisticsPooling
from diarspk.encoders.trunk import LocalTrunk, TrunkConfig
from diarspk.encoders.windowed import WindowConfig, WindowedEncoder

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
