"""The shared speaker network: trunk and utterance head; batch-norm folding for inference."""

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
"""Brings spectral shapes, which vary by about one in log power, to the scale of unit vectors."""


@dataclass(frozen=True)
class SpeakerNetworkConfig:
    """Dimensions of a :class:`SpeakerNetwork`."""

    trunk: TrunkConfig = field(default_factory=TrunkConfig)
    pooled_channels: int = 1024
    dimension: int = 192
    prefixes: tuple[int, ...] = (64, 20)  # dimensions of the nested embeddings


class SpeakerNetwork(nn.Module):
    """Trunk and utterance head: log-mel features to frames, weighted frames to embeddings.

    Shape
    -----
    level-normalised features ``(batch, frames, mels)``, weights of one span
    ``(batch, 1, frames')`` -> embeddings ``(batch, dimension)``, not normalised
    """

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
        """Embed each item as one span. Default: all its frames, of equal weight."""
        frames = self.trunk(features)
        if weights is None:
            weights = frames.new_ones(len(frames), 1, frames.shape[1])
        return self.utterance(frames, weights)[:, 0]


class UtteranceHead(nn.Module):
    """Pooling of weighted trunk frames to embeddings.

    With ``mels``, the mean spectral shape of the frames (their long-term average spectrum) enters
    the embedding through the whitening, which is fitted after training.

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
        """Compute embeddings, not normalised."""
        return self.embed_moments(self.moments(frames, weights))

    def widen(self, frames: Tensor) -> Tensor:
        """Expand the learned channels of frames: ``(batch, frames, pooled channels)``."""
        return self.expand(frames[..., : self.width])

    def moments(self, frames: Tensor, weights: Tensor, wide: Tensor | None = None) -> Tensor:
        """Compute the moments of spans: weighted sums of :meth:`frame_moments`."""
        return sum_moments(self.frame_moments(frames, wide), weights)

    def frame_moments(self, frames: Tensor, wide: Tensor | None = None) -> Tensor:
        """Compute the moments of each frame: ``(batch, frames, heads, sums)``.

        They are those of :class:`GatedStatisticsPooling`, followed by the share of the mel bins of
        each head, weighted by its gate. The moments of a span are the sum over its frames.

        Parameters
        ----------
        frames
            Trunk frames ``(batch, frames, channels)``.
        wide
            Output of :meth:`widen`, where the caller has it already.
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
        """Compute the input of the whitening: unit vectors, then the mean spectral shape."""
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
    """Centring and within-speaker whitening of unit vectors.

    The axes are those of a linear discriminant analysis by decreasing ratio of between-speaker to
    within-speaker variance, so a prefix of the output separates speakers best. The map is fitted
    after training by ``recipes/embedded/trunk/whitening.py``; until then it is the identity on the
    vectors, and ignores the spectral shape of ``mels`` bins.

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
        """Whiten unit vectors, with or without the spectral shape."""
        size = vectors.shape[-1]
        return (vectors - self.mean[:size]) @ self.matrix[:size]


FOLDED: dict[type[nn.Module], dict[str, str]] = {
    FrontStage: {"norm": "reduce"},
    ResidualPair: {"norm1": "conv1", "norm2": "conv2"},
}
"""Attributes of modules: a batch norm, and the convolution that it is folded into."""


def fold_norms(network: SpeakerNetwork) -> SpeakerNetwork:
    """Fold the batch norms of a network into the layers before them, in place.

    The network computes the same in fewer passes over memory, and cannot be trained any more.
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
