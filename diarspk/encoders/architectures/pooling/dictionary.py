"""Residuals from a learnable dictionary of frame features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.masking import Mask
from diarspk.encoders.architectures.pooling.statistics import Pooling

__all__ = ["DictionaryPooling"]


class DictionaryPooling(Pooling):
    """Learnable dictionary encoding (Cai et al. 2018, "Exploring the encoding layer ...").

    A frame ``x_t`` belongs to component ``c`` to the degree
    ``w_tc = softmax_c(-s_c ||x_t - m_c||^2)``; the encoding is, for every component, the mean over
    time of ``w_tc (x_t - m_c)``. Centres ``m_c`` and scales ``s_c`` are learned.

    Parameters
    ----------
    channels
        Channels of the frames.
    components
        Entries of the dictionary; the encoding has ``components * channels`` elements.
    """

    def __init__(self, channels: int, *, components: int = 64) -> None:
        super().__init__()
        self.statistics = components * channels
        self.centres = nn.Parameter(torch.randn(components, channels))
        self.scales = nn.Parameter(torch.ones(components) / channels)

    def forward(self, frames: Tensor, mask: Mask = None) -> Tensor:
        """See :meth:`Pooling.forward`."""
        if mask is not None:
            frames = frames.masked_fill(~mask[..., None], 0.0)
        # ||x - m||^2 without the (batch, frames, components, channels) that it seems to need
        distance = (
            frames.square().sum(-1, keepdim=True)
            - 2 * frames @ self.centres.T
            + self.centres.square().sum(-1)
        )
        weights = (-self.scales * distance).softmax(dim=-1)  # (batch, frames, components)
        if mask is not None:
            weights = weights.masked_fill(~mask[..., None], 0.0)
        count = frames.shape[1] if mask is None else mask.sum(-1)[:, None, None].clamp_min(1)
        total = weights.sum(1).unsqueeze(-1)  # (batch, components, 1)
        residuals = weights.transpose(1, 2) @ frames - total * self.centres
        return (residuals / count).flatten(1)
