"""S3PRL's upstreams (self-supervised networks, and plain features) under any architecture."""

from diarspk.encoders.s3prl.encoder import UpstreamArchitecture, build_upstream_encoder
from diarspk.encoders.s3prl.names import NO_DOWNLOAD, available_upstreams
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
