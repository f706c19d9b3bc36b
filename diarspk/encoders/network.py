"""The shared speaker network: one local trunk, and the heads that read it."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from diarspk.encoders.pooling import GatedStatisticsPooling
from diarspk.encoders.trunk import LocalTrunk, TimeDelayLayer, TrunkConfig

__all__ = ["SpeakerNetwork", "SpeakerNetworkConfig", "UtteranceHead", "Whitening"]


@dataclass(frozen=True)
class SpeakerNetworkConfig:
    """Dimensions of a :class:`SpeakerNetwork`."""

    trunk: TrunkConfig = field(default_factory=TrunkConfig)
    pooled_channels: int = 1024
    dimension: int = 192
    prefixes: tuple[int, ...] = (64, 20)  # nested shorter embeddings, trained together


class SpeakerNetwork(nn.Module):
    """Log-mel features to frame features, and weighted frames to speaker embeddings."""

    def __init__(self, config: SpeakerNetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or SpeakerNetworkConfig()
        self.trunk = LocalTrunk(config.trunk)
        width = config.trunk.width
        self.utterance = UtteranceHead(width, config.pooled_channels, config.dimension)

    def forward(self, features: Tensor, weights: Tensor | None = None) -> Tensor:
        """Embed levelled ``(batch, frames, mels)``: ``(batch, dimension)``, not normalised."""
        frames = self.trunk(features)
        if weights is None:
            weights = frames.new_ones(len(frames), 1, frames.shape[1])
        return self.utterance(frames, weights)[:, 0]


class UtteranceHead(nn.Module):
    """Pool weighted frames to embeddings.

    Shape
    -----
    frames ``(batch, frames, width)``, weights ``(batch, spans, frames)``
    -> ``(batch, spans, dimension)``
    """

    def __init__(self, width: int, channels: int, dimension: int) -> None:
        super().__init__()
        self.expand = TimeDelayLayer(width, channels, kernel=1)
        self.pooling = GatedStatisticsPooling(channels)
        self.norm = nn.BatchNorm1d(2 * channels)
        self.affine = nn.Linear(2 * channels, dimension)
        self.whitening = Whitening(dimension)

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        """Embeddings, not normalised."""
        return self.embed_moments(self.moments(frames, weights))

    def moments(self, frames: Tensor, weights: Tensor) -> Tensor:
        """Sum over weighted frames; see :meth:`GatedStatisticsPooling.moments`."""
        return self.pooling.moments(self.expand(frames), weights)

    def frame_moments(self, frames: Tensor) -> Tensor:
        """Moments of every frame alone; those of a span are their sum."""
        return self.pooling.frame_moments(self.expand(frames))

    def embed_moments(self, moments: Tensor) -> Tensor:
        """Embed moments ``(batch, spans, heads, sums)``: ``(batch, spans, dimension)``."""
        pooled = self.pooling.statistics(moments)
        return self.whitening(self.affine(self.norm(pooled.flatten(0, 1)).view_as(pooled)))


class Whitening(nn.Module):
    """Take the mean of all voices off unit vectors, and level what varies within a voice.

    The linear map has the axes of a discriminant analysis by falling ratio of variances, between
    speakers to within one, so a prefix of its output separates voices best. It is fitted, not
    trained (``recipes/embedded/whitening.py``); until then it changes no cosine.

    Shape
    -----
    ``(..., dimension)`` -> ``(..., dimension)``, not normalised
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dimension))
        self.register_buffer("matrix", torch.eye(dimension))
        self.mean: Tensor
        self.matrix: Tensor

    def forward(self, vectors: Tensor) -> Tensor:
        """Whiten vectors of any length."""
        return (nn.functional.normalize(vectors, dim=-1) - self.mean) @ self.matrix
