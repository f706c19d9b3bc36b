"""S3PRL's upstreams (self-supervised networks, and plain features) under any architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.encoders.s3prl.encoder import UpstreamArchitecture, build_upstream_encoder
    from diarspk.encoders.s3prl.sources import NO_DOWNLOAD, available_upstreams
    from diarspk.encoders.s3prl.upstream import Upstream, UpstreamConfig, load_upstream

__all__ = [
    "NO_DOWNLOAD",
    "Upstream",
    "UpstreamArchitecture",
    "UpstreamConfig",
    "available_upstreams",
    "build_upstream_encoder",
    "load_upstream",
]

_HOMES = {
    "NO_DOWNLOAD": "diarspk.encoders.s3prl.sources",
    "Upstream": "diarspk.encoders.s3prl.upstream",
    "UpstreamArchitecture": "diarspk.encoders.s3prl.encoder",
    "UpstreamConfig": "diarspk.encoders.s3prl.upstream",
    "available_upstreams": "diarspk.encoders.s3prl.sources",
    "build_upstream_encoder": "diarspk.encoders.s3prl.encoder",
    "load_upstream": "diarspk.encoders.s3prl.upstream",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
