"""x-vector: five time-delay layers, statistics pooling, two affine layers.

Snyder et al., "X-vectors: robust DNN embeddings for speaker recognition", ICASSP 2018, table 1.
Modules are named as in WeSpeaker's checkpoints (``frame_1`` ... ``seg_2``). ESPnet pads its
convolutions a little and normalises with trained scales: :data:`ESPNET_XVECTOR`.

Parameters at 512 dimensions, classifier excluded: WeSpeaker 4,610,524, ESPnet 4,617,620.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import Mask, blank
from diarspk.encoders.architectures.pooling.registry import build_pooling

__all__ = ["ESPNET_XVECTOR", "WESPEAKER_XVECTOR", "XVector", "XVectorConfig"]


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


WESPEAKER_XVECTOR = XVectorConfig()
"""Frames without full context are left out: 14 fewer than features."""

ESPNET_XVECTOR = XVectorConfig(
    padding=(2, 1, 1, 0, 0), affine=True, norm=False, pooling="statistics"
)
"""Six frames fewer than features."""


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
            layer = TimeDelay(before, after, kernel, dilation, padding, affine=config.affine)
            self.add_module(f"frame_{index}", layer)
            before = after
        self.minimum = 1 + sum(layer.lost for layer in self._layers())
        self.offset = self.minimum // 2
        self.pool = build_pooling(config.pooling, before)
        self.seg_1 = nn.Linear(self.pool.statistics, config.dimension)
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
        return self.seg_2(self.seg_bn_1(self.seg_1(pooled).relu()))

    def _layers(self) -> list[TimeDelay]:
        return [module for module in self.children() if isinstance(module, TimeDelay)]


class TimeDelay(nn.Module):
    """Convolution over time, ReLU, batch norm; the output is ``lost`` frames shorter."""

    def __init__(
        self, before: int, after: int, kernel: int, dilation: int, padding: int, *, affine: bool
    ) -> None:
        super().__init__()
        self.lost = (kernel - 1) * dilation - 2 * padding
        self.conv_1d = nn.Conv1d(before, after, kernel, dilation=dilation, padding=padding)
        self.bn = nn.BatchNorm1d(after, affine=affine)

    def forward(self, x: Tensor, mask: Mask) -> tuple[Tensor, Mask]:
        x = self.bn(self.conv_1d(blank(x, mask)).relu())
        return x, mask if mask is None else mask[:, self.lost :]
