"""Front ends by name, S3PRL's and transformers' alike: loaded, stacked, stored, named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.encoders.frame_cache import FrameCache
    from diarspk.encoders.upstreams.encoder import FrontEndEncoder
    from diarspk.encoders.upstreams.loading import build_upstream_encoder, load_upstream
    from diarspk.encoders.upstreams.names import parse_upstream

__all__ = [
    "FrameCache",
    "FrontEndEncoder",
    "build_upstream_encoder",
    "load_upstream",
    "parse_upstream",
]

_HOMES = {
    "FrameCache": "diarspk.encoders.frame_cache",
    "FrontEndEncoder": "diarspk.encoders.upstreams.encoder",
    "build_upstream_encoder": "diarspk.encoders.upstreams.loading",
    "load_upstream": "diarspk.encoders.upstreams.loading",
    "parse_upstream": "diarspk.encoders.upstreams.names",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
