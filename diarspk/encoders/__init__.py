"""Speaker encoders, and the networks that they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.encoders.architectures.base import Architecture
    from diarspk.encoders.architectures.pooling.gated import GatedStatisticsPooling
    from diarspk.encoders.architectures.registry import ARCHITECTURES, build_architecture
    from diarspk.encoders.base import FrameEmbeddings, SpeakerEncoder
    from diarspk.encoders.clips import WindowConfig
    from diarspk.encoders.concatenated import ConcatenatedEncoder
    from diarspk.encoders.fused import FusedEncoder
    from diarspk.encoders.local.encoder import LocalEncoder
    from diarspk.encoders.local.frame_head import FrameHead, FrameHeadConfig
    from diarspk.encoders.local.network import SpeakerNetwork, SpeakerNetworkConfig
    from diarspk.encoders.local.region_pooling import Region
    from diarspk.encoders.local.trunk import LocalTrunk, TrunkConfig
    from diarspk.encoders.pooled import PooledEncoder
    from diarspk.encoders.windowed import WindowedEncoder, build_encoder

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "ConcatenatedEncoder",
    "FrameEmbeddings",
    "FrameHead",
    "FrameHeadConfig",
    "FusedEncoder",
    "GatedStatisticsPooling",
    "LocalEncoder",
    "LocalTrunk",
    "PooledEncoder",
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

_HOMES = {
    "ARCHITECTURES": "diarspk.encoders.architectures.registry",
    "Architecture": "diarspk.encoders.architectures.base",
    "ConcatenatedEncoder": "diarspk.encoders.concatenated",
    "FrameEmbeddings": "diarspk.encoders.base",
    "FrameHead": "diarspk.encoders.local.frame_head",
    "FrameHeadConfig": "diarspk.encoders.local.frame_head",
    "FusedEncoder": "diarspk.encoders.fused",
    "GatedStatisticsPooling": "diarspk.encoders.architectures.pooling.gated",
    "LocalEncoder": "diarspk.encoders.local.encoder",
    "LocalTrunk": "diarspk.encoders.local.trunk",
    "PooledEncoder": "diarspk.encoders.pooled",
    "Region": "diarspk.encoders.local.region_pooling",
    "SpeakerEncoder": "diarspk.encoders.base",
    "SpeakerNetwork": "diarspk.encoders.local.network",
    "SpeakerNetworkConfig": "diarspk.encoders.local.network",
    "TrunkConfig": "diarspk.encoders.local.trunk",
    "WindowConfig": "diarspk.encoders.clips",
    "WindowedEncoder": "diarspk.encoders.windowed",
    "build_architecture": "diarspk.encoders.architectures.registry",
    "build_encoder": "diarspk.encoders.windowed",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
