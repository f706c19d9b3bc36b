"""S3PRL's upstreams (self-supervised networks, and plain features) under any architecture."""

from diarspk.frontends.encoder import UpstreamArchitecture, build_upstream_encoder
from diarspk.frontends.names import NO_DOWNLOAD, available_upstreams
from diarspk.frontends.upstream import Upstream, UpstreamConfig, load_upstream

__all__ = [
    "NO_DOWNLOAD",
    "Upstream",
    "UpstreamArchitecture",
    "UpstreamConfig",
    "available_upstreams",
    "build_upstream_encoder",
    "load_upstream",
]
