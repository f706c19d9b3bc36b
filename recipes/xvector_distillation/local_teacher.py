"""The embedded encoder as an architecture on packed features."""

from __future__ import annotations

import torch
from torch import Tensor

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import Mask
from diarspk.encoders.architectures.pooling import Pooling
from diarspk.encoders.local.network import SpeakerNetwork, UtteranceHead
from diarspk.errors import ArgumentError
from diarspk.features.level import clip_features, speech_level

__all__ = ["LocalTeacher"]


class LocalTeacher(Architecture):
    """Log-mel features ``(batch, frames, mels)`` as they are packed to embeddings.

    It takes the level of each item off itself: features less their mean over time would lack the
    spectral shape that this trunk reads.
    """

    local = True

    def __init__(self, network: SpeakerNetwork) -> None:
        super().__init__()
        self.network, self.dimension = network, network.config.dimension
        self.stride = self.minimum = network.config.trunk.stride
        self.pool = _MomentPooling(network.utterance)

    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """See :meth:`Architecture.encode`; of items of one length.

        Raises
        ------
        ArgumentError
            If there is a mask.
        """
        if mask is not None:
            raise ArgumentError("`mask` must be None: items here are of one length")
        level = speech_level(features.exp().mean(dim=-1))
        return self.network.trunk(clip_features(features - level[:, None, None])), None

    def project(self, pooled: Tensor) -> Tensor:
        """See :meth:`Architecture.project`."""
        return self.network.utterance.embed_moments(pooled[:, None])[:, 0]


class _MomentPooling(Pooling):
    """Moments of all frames, ``(batch, heads, sums)``."""

    def __init__(self, head: UtteranceHead) -> None:
        super().__init__()
        self.head = [head]  # its parameters are those of the network already

    def forward(self, frames: Tensor, mask: Mask = None) -> Tensor:
        weights = torch.ones_like(frames[:, None, :, 0])  # (batch, one span, frames)
        return self.head[0].moments(frames, weights)[:, 0]
