"""Loading of front ends by name, and architectures on top of them."""

from __future__ import annotations

from pathlib import Path

from diarspk.catalogue.repositories import find_repository
from diarspk.encoders.s3prl.encoder import stack_encoder
from diarspk.encoders.s3prl.upstream import Upstream, UpstreamConfig
from diarspk.encoders.s3prl.upstream import load_upstream as load_s3prl
from diarspk.encoders.upstreams.names import HUB
from diarspk.encoders.upstreams.transformers import open_transformers
from diarspk.encoders.windowed import WindowedEncoder

__all__ = ["build_upstream_encoder", "load_upstream"]

REMEDY = (
    "it is not in the local cache; load it once with diarspk.encoders.upstreams.load_upstream("
    "parse_upstream(NAME), download=True), or give a folder, hf:FOLDER"
)


def load_upstream(config: UpstreamConfig, *, download: bool = False) -> Upstream:
    """Load a front end of S3PRL or of transformers.

    Parameters
    ----------
    config
        From :func:`parse_upstream`, for instance.
    download
        Download what is not here.

    Raises
    ------
    ArgumentError
        If there is no such upstream or layer.
    ModelError
        If a package or the checkpoint is missing, or the checkpoint cannot be read.
    """
    if not config.name.startswith(HUB):
        return load_s3prl(config, download=download)
    folder = Path(config.name.removeprefix(HUB))
    if not folder.is_dir():
        folder = find_repository(config.name, download=download, remedy=REMEDY)
    return Upstream(open_transformers(folder, layer_norm=config.normalize), config)


def build_upstream_encoder(
    config: UpstreamConfig,
    architecture: str,
    *,
    dimension: int | None = None,
    pooling: str | None = None,
    seed: int = 0,
    download: bool = False,
) -> WindowedEncoder:
    """Put an architecture with random weights on top of a front end.

    Parameters and errors are those of :func:`diarspk.encoders.s3prl.build_upstream_encoder`.
    """
    upstream = load_upstream(config, download=download)
    return stack_encoder(upstream, architecture, dimension=dimension, pooling=pooling, seed=seed)
