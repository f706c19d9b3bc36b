"""The shared speaker network: one local trunk, and the heads that read it."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from diarspk.encoders.architectures.pooling.gated import GatedStatisticsPooling, sum_moments
from diarspk.encoders.local.trunk import (
    FrontStage,
    LocalTrunk,
    ResidualPair,
    TimeDelayLayer,
    TrunkConfig,
)

__all__ = ["SpeakerNetwork", "SpeakerNetworkConfig", "UtteranceHead", "Whitening", "fold_norms"]


SHAPE_SCALE = 0.1
"""Spectral shapes differ by about one in natural log power, the entries of unit vectors by less."""


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
        trunk = config.trunk
        self.utterance = UtteranceHead(
            trunk.width,
            config.pooled_channels,
            config.dimension,
            mels=trunk.mels if trunk.profile else 0,
        )

    def forward(self, features: Tensor, weights: Tensor | None = None) -> Tensor:
        """Embed levelled ``(batch, frames, mels)``: ``(batch, dimension)``, not normalised."""
        frames = self.trunk(features)
        if weights is None:
            weights = frames.new_ones(len(frames), 1, frames.shape[1])
        return self.utterance(frames, weights)[:, 0]


class UtteranceHead(nn.Module):
    """Pool weighted frames to embeddings.

    With ``mels``, the mean spectral shape of the frames (their long-term average spectrum) goes
    into the embedding beside what is learned, by the whitening alone: training knows nothing of it.

    Shape
    -----
    frames ``(batch, frames, width + mels)``, weights ``(batch, spans, frames)``
    -> ``(batch, spans, dimension)``
    """

    def __init__(self, width: int, channels: int, dimension: int, *, mels: int = 0) -> None:
        super().__init__()
        self.width, self.mels = width, mels
        self.expand = TimeDelayLayer(width, channels, kernel=1)
        self.pooling = GatedStatisticsPooling(channels)
        self.norm = nn.BatchNorm1d(2 * channels)
        self.affine = nn.Linear(2 * channels, dimension)
        self.whitening = Whitening(dimension, mels)

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        """Embeddings, not normalised."""
        return self.embed_moments(self.moments(frames, weights))

    def widen(self, frames: Tensor) -> Tensor:
        """Expand what is learned of frames: ``(batch, frames, pooled channels)``."""
        return self.expand(frames[..., : self.width])

    def moments(self, frames: Tensor, weights: Tensor, wide: Tensor | None = None) -> Tensor:
        """Sum over weighted frames; see :meth:`frame_moments`."""
        return sum_moments(self.frame_moments(frames, wide), weights)

    def frame_moments(self, frames: Tensor, wide: Tensor | None = None) -> Tensor:
        """Moments of every frame alone ``(batch, frames, heads, sums)``; a span's are their sum.

        Those of :class:`GatedStatisticsPooling`, and behind them each head's share of the mel bins,
        weighted by its gate. ``wide`` is what :meth:`widen` makes of the frames, where the caller
        has it.
        """
        learned = self.pooling.frame_moments(self.widen(frames) if wide is None else wide)
        if not self.mels:
            return learned
        shape = frames[..., self.width :].to(learned.dtype)
        shape = nn.functional.pad(shape, (0, -self.mels % self.pooling.heads))
        shape = shape.reshape(*shape.shape[:2], self.pooling.heads, -1)
        return torch.cat([learned, learned[..., :1] * shape], dim=-1)

    def embed_moments(self, moments: Tensor) -> Tensor:
        """Embed moments ``(batch, spans, heads, sums)``: ``(batch, spans, dimension)``."""
        return self.whitening(self.join_moments(moments))

    def join_moments(self, moments: Tensor) -> Tensor:
        """Find what the whitening reads: unit vectors, and the mean spectral shape behind them."""
        sums = 1 + 2 * self.expand.affine.out_features // self.pooling.heads
        learned, shape = moments[..., :sums], moments[..., sums:]
        pooled = self.pooling.statistics(learned)
        vectors = self.affine(self.norm(pooled.flatten(0, 1)).view_as(pooled))
        vectors = nn.functional.normalize(vectors, dim=-1)
        if not self.mels:
            return vectors
        mean = (shape / learned[..., :1].clamp_min(1e-8)).flatten(2)[..., : self.mels]
        return torch.cat([vectors, SHAPE_SCALE * mean], dim=-1)


class Whitening(nn.Module):
    """Take the mean of all voices off unit vectors, and level what varies within a voice.

    The linear map has the axes of a discriminant analysis by falling ratio of variances, between
    speakers to within one, so a prefix of its output separates voices best. It is fitted, not
    trained (``recipes/embedded/trunk/whitening.py``); until then it changes no cosine, and leaves
    out the spectral shape of ``mels`` bins behind the vectors.

    Shape
    -----
    ``(..., dimension + mels)``, or without the shape ``(..., dimension)`` -> ``(..., dimension)``,
    not normalised
    """

    def __init__(self, dimension: int, mels: int = 0) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dimension + mels))
        self.register_buffer("matrix", torch.eye(dimension + mels, dimension))
        self.mean: Tensor
        self.matrix: Tensor

    def forward(self, vectors: Tensor) -> Tensor:
        """Whiten vectors of unit length, with or without what is behind them."""
        size = vectors.shape[-1]
        return (vectors - self.mean[:size]) @ self.matrix[:size]


FOLDED: dict[type[nn.Module], dict[str, str]] = {
    FrontStage: {"norm": "reduce"},
    ResidualPair: {"norm1": "conv1", "norm2": "conv2"},
}
"""Batch norms after convolutions, each with the convolution that it is folded into."""


def fold_norms(network: SpeakerNetwork) -> SpeakerNetwork:
    """Fold the batch norms of trunk and utterance head away, in place.

    The network then computes the same in fewer passes over memory, and can no longer be trained.
    """
    network.eval()
    for module in network.modules():
        if isinstance(module, TimeDelayLayer) and isinstance(module.norm, nn.BatchNorm1d):
            module.affine = fuse_linear_bn_eval(module.affine, module.norm)
            module.norm = nn.Identity()
        for norm, convolution in FOLDED.get(type(module), {}).items():
            if isinstance(found := getattr(module, norm), nn.BatchNorm2d):
                fused = fuse_conv_bn_eval(getattr(module, convolution), found)
                setattr(module, convolution, fused)
                setattr(module, norm, nn.Identity())
    return network
