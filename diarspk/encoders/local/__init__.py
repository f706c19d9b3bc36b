"""The embedded encoder: a convolutional trunk with bounded context, and heads over its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.encoders.local.encoder import LocalEncoder
    from diarspk.encoders.local.frame_head import (
        FRAME_HEADS,
        FrameHead,
        FrameHeadConfig,
        FrameStream,
    )
    from diarspk.encoders.local.network import (
        SpeakerNetwork,
        SpeakerNetworkConfig,
        UtteranceHead,
        Whitening,
    )
    from diarspk.encoders.local.region_pooling import Region
    from diarspk.encoders.local.trunk import LocalTrunk, TrunkConfig

__all__ = [
    "FRAME_HEADS",
    "FrameHead",
    "FrameHeadConfig",
    "FrameStream",
    "LocalEncoder",
    "LocalTrunk",
    "Region",
    "SpeakerNetwork",
    "SpeakerNetworkConfig",
    "TrunkConfig",
    "UtteranceHead",
    "Whitening",
]

_HOMES = {
    "FRAME_HEADS": "diarspk.encoders.local.frame_head",
    "FrameHead": "diarspk.encoders.local.frame_head",
    "FrameHeadConfig": "diarspk.encoders.local.frame_head",
    "FrameStream": "diarspk.encoders.local.frame_head",
    "LocalEncoder": "diarspk.encoders.local.encoder",
    "LocalTrunk": "diarspk.encoders.local.trunk",
    "Region": "diarspk.encoders.local.region_pooling",
    "SpeakerNetwork": "diarspk.encoders.local.network",
    "SpeakerNetworkConfig": "diarspk.encoders.local.network",
    "TrunkConfig": "diarspk.encoders.local.trunk",
    "UtteranceHead": "diarspk.encoders.local.network",
    "Whitening": "diarspk.encoders.local.network",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
