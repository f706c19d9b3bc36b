"""x-vector: five time-delay layers, statistics pooling, two affine layers.

Snyder et al., "X-vectors: robust DNN embeddings for speaker recognition", ICASSP 2018, table 1.
Modules are named as in WeSpeaker's checkpoints (``frame_1`` ... ``seg_2``). ESPnet pads its
convolutions a little and normalises with trained scales: :data:`ESPNET_XVECTOR`. SpeechBrain's has
one affine layer, leaky units, and convolutions that keep the length: :data:`SPEECHBRAIN_XVECTOR`.

Parameters at 512 dimensions, classifier excluded: WeSpeaker 4,610,524, ESPnet 4,617,620,
SpeechBrain, of 24 mels, 4,211,604.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import Mask, blank, reflect
from diarspk.encoders.architectures.pooling.registry import build_pooling

__all__ = [
    "ESPNET_XVECTOR",
    "SPEECHBRAIN_XVECTOR",
    "WESPEAKER_XVECTOR",
    "XVector",
    "XVectorConfig",
]


@dataclass(frozen=True)
class XVectorConfig:
    """Dimensions of an :class:`XVector`. Defaults: the paper's.

    Attributes
    ----------
    padding : tuple of int
        Zero frames on both sides of the input of each layer.
    affine : bool
        Trained scales and offsets in batch norms; Kaldi's have none.
    norm : bool
        Batch norm between the two affine layers.
    slope : float
        Of the units below zero.
    reflected : bool
        Mirrored frames in place of zeros, on both sides of the input of each layer.
    affine_layers : int
        Affine layers after the pooling, 1 or 2.
    """

    mels: int = 80
    dimension: int = 512
    channels: tuple[int, ...] = (512, 512, 512, 512, 1500)
    kernels: tuple[int, ...] = (5, 3, 3, 1, 1)
    dilations: tuple[int, ...] = (1, 2, 3, 1, 1)
    padding: tuple[int, ...] = (0, 0, 0, 0, 0)
    affine: bool = False
    norm: bool = True
    pooling: str = "temporal-statistics"
    slope: float = 0.0
    reflected: bool = False
    affine_layers: int = 2


WESPEAKER_XVECTOR = XVectorConfig()
"""Frames without full context are left out: 14 fewer than features."""

ESPNET_XVECTOR = XVectorConfig(
    padding=(2, 1, 1, 0, 0), affine=True, norm=False, pooling="statistics"
)
"""Six frames fewer than features."""

SPEECHBRAIN_XVECTOR = XVectorConfig(
    mels=24,
    padding=(2, 2, 3, 0, 0),
    affine=True,
    norm=False,
    pooling="unbiased-statistics",
    slope=0.01,
    reflected=True,
    affine_layers=1,
)
"""As many frames as features. SpeechBrain adds noise of at most 9e-5 to the means, which is left
out here: a recording has one embedding."""


class XVector(Architecture):
    """Features ``(batch, frames, mels)`` to embeddings ``(batch, dimension)``."""

    local = True

    def __init__(self, config: XVectorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or XVectorConfig()
        self.dimension = config.dimension
        before = config.mels
        shapes = zip(config.channels, config.kernels, config.dilations, config.padding, strict=True)
        for index, (after, kernel, dilation, padding) in enumerate(shapes, start=1):
            layer = TimeDelay(
                before,
                after,
                kernel,
                dilation,
                padding,
                affine=config.affine,
                slope=config.slope,
                reflected=config.reflected,
            )
            self.add_module(f"frame_{index}", layer)
            before = after
        lost = sum(layer.lost for layer in self._layers())
        mirrored = max(config.padding) if config.reflected else 0
        self.minimum = 1 + max(lost, mirrored)  # a frame has to be there to be mirrored
        self.offset = lost // 2
        self.pool = build_pooling(config.pooling, before)
        self.seg_1 = nn.Linear(self.pool.statistics, config.dimension)
        if config.affine_layers == 1:
            return
        self.seg_bn_1 = (
            nn.BatchNorm1d(config.dimension, affine=False) if config.norm else nn.Identity()
        )
        self.seg_2 = nn.Linear(config.dimension, config.dimension)

    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """See :meth:`Architecture.encode`."""
        x = features.transpose(1, 2)
        for layer in self._layers():
            x, mask = layer(x, mask)
        return x.transpose(1, 2), mask

    def project(self, pooled: Tensor) -> Tensor:
        """See :meth:`Architecture.project`."""
        if self.config.affine_layers == 1:
            return self.seg_1(pooled)
        return self.seg_2(self.seg_bn_1(self.seg_1(pooled).relu()))

    def _layers(self) -> list[TimeDelay]:
        return [module for module in self.children() if isinstance(module, TimeDelay)]


class TimeDelay(nn.Module):
    """Convolution over time, rectified units, batch norm; the output is ``lost`` frames shorter."""

    def __init__(
        self,
        before: int,
        after: int,
        kernel: int,
        dilation: int,
        padding: int,
        *,
        affine: bool,
        slope: float = 0.0,
        reflected: bool = False,
    ) -> None:
        super().__init__()
        self.lost = (kernel - 1) * dilation - 2 * padding
        self.slope = slope
        self.mirrored = padding if reflected else 0
        zeros = padding - self.mirrored
        self.conv_1d = nn.Conv1d(before, after, kernel, dilation=dilation, padding=zeros)
        self.bn = nn.BatchNorm1d(after, affine=affine)

    def forward(self, x: Tensor, mask: Mask) -> tuple[Tensor, Mask]:
        x = reflect(x, mask, self.mirrored) if self.mirrored else blank(x, mask)
        x = self.bn(nn.functional.leaky_relu(self.conv_1d(x), self.slope))
        return x, mask if mask is None else mask[:, self.lost :]
