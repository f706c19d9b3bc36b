"""Architectures on the features of an upstream."""

from __future__ import annotations

from torch import Tensor

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import Mask
from diarspk.encoders.architectures.pooling.statistics import Pooling
from diarspk.encoders.architectures.registry import build_architecture
from diarspk.encoders.front_end import WaveformFrontEnd
from diarspk.encoders.s3prl.upstream import Upstream, UpstreamConfig, load_upstream
from diarspk.encoders.windowed import WindowedEncoder

__all__ = [
    "UpstreamArchitecture",
    "UpstreamFrontEnd",
    "build_upstream_encoder",
    "stack_architecture",
    "stack_encoder",
]


class UpstreamArchitecture(Architecture):
    """Upstream and architecture: waveforms ``(batch, time)`` to embeddings.

    Parameters
    ----------
    upstream
        From :func:`diarspk.encoders.s3prl.load_upstream`.
    network
        Architecture with as many mels as the upstream has channels.
    """

    def __init__(self, upstream: Upstream, network: Architecture) -> None:
        super().__init__()
        self.upstream, self.network = upstream, network
        self.dimension = network.dimension
        self.stride = upstream.stride * network.stride
        self.offset = upstream.stride * network.offset
        self.minimum = max(upstream.minimum, upstream.stride * network.minimum)

    @property
    def pool(self) -> Pooling:  # type: ignore[override]
        """Pooling of the architecture."""
        return self.network.pool

    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """See :meth:`Architecture.encode`; the input is a waveform."""
        return self.network.encode(*self.upstream(features, mask))

    def project(self, pooled: Tensor) -> Tensor:
        """See :meth:`Architecture.project`."""
        return self.network.project(pooled)


class UpstreamFrontEnd(WaveformFrontEnd):
    """Waveform; its description names the upstream, as those without weights look alike."""

    def __init__(self, upstream: Upstream) -> None:
        super().__init__()
        self.upstream = upstream.description

    def describe(self) -> str:
        """Describe the upstream, its layer and normalisation."""
        return f"{super().describe()} through {self.upstream}"


def build_upstream_encoder(
    config: UpstreamConfig,
    architecture: str,
    *,
    dimension: int | None = None,
    pooling: str | None = None,
    seed: int = 0,
    download: bool = False,
) -> WindowedEncoder:
    """Put an architecture with random weights on top of an upstream.

    Parameters
    ----------
    config
        The upstream.
    architecture, dimension, pooling, seed
        See :func:`diarspk.encoders.build_architecture`; the architecture must read features.
    download
        Allow S3PRL to download a checkpoint.

    Raises
    ------
    ArgumentError
        If the architecture reads the waveform, or cannot read so many channels.
    ModelError
        As for :func:`diarspk.encoders.s3prl.load_upstream`.
    """
    upstream = load_upstream(config, download=download)
    return stack_encoder(upstream, architecture, dimension=dimension, pooling=pooling, seed=seed)


def stack_encoder(
    upstream: Upstream,
    architecture: str,
    *,
    dimension: int | None = None,
    pooling: str | None = None,
    seed: int = 0,
) -> WindowedEncoder:
    """Make an encoder of a loaded upstream and an architecture with random weights on top of it.

    Parameters and errors are those of :func:`build_upstream_encoder`.
    """
    network = stack_architecture(
        upstream, architecture, dimension=dimension, pooling=pooling, seed=seed
    )
    return WindowedEncoder(network, UpstreamFrontEnd(upstream))


def stack_architecture(
    upstream: Upstream,
    architecture: str,
    *,
    dimension: int | None = None,
    pooling: str | None = None,
    seed: int = 0,
) -> UpstreamArchitecture:
    """Put an architecture with random weights on top of a loaded upstream.

    Parameters and errors are those of :func:`build_upstream_encoder`.
    """
    network = build_architecture(
        architecture, dimension=dimension, pooling=pooling, mels=upstream.channels, seed=seed
    )
    return UpstreamArchitecture(upstream, network)
