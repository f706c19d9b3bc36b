"""Bands of a spectrum as tokens, and masks from tokens (Luo & Yu 2023, band-split RNN)."""

from __future__ import annotations

from itertools import groupby

import torch
from torch import Tensor, nn

__all__ = ["BANDS_16K", "BandEncoder", "MaskDecoder"]

BANDS_16K = (5,) * 8 + (10,) * 4 + (20,) * 4 + (40,) * 4
"""Widths in bins of 25 Hz: 125 Hz up to 1 kHz, 250 up to 2, 500 up to 4, 1000 up to 8 kHz."""


class BandEncoder(nn.Module):
    """Each band of the features by an affine map of its own to ``channels``.

    Shape
    -----
    ``(batch, frames, bins, features)`` -> ``(batch, frames, bands, channels)``
    """

    def __init__(self, bands: tuple[int, ...], features: int, channels: int) -> None:
        super().__init__()
        self.bands = bands
        self.affine = nn.ModuleList(nn.Linear(width * features, channels) for width in bands)

    def forward(self, features: Tensor) -> Tensor:
        """Encode every band."""
        parts = torch.split(features, list(self.bands), dim=2)
        tokens = [layer(part.flatten(2)) for layer, part in zip(self.affine, parts, strict=True)]
        return torch.stack(tokens, dim=2)


class MaskDecoder(nn.Module):
    """Complex masks from tokens by one network for all bands, but for their widths.

    In the original every band has a network of its own, which together are half of its parameters.

    Shape
    -----
    tokens ``(batch, frames, bands, channels)`` -> ``(batch, frames, bins)``, complex
    """

    def __init__(self, bands: tuple[int, ...], channels: int, hidden: int) -> None:
        super().__init__()
        self.runs = [(width, len(list(run))) for width, run in groupby(bands)]
        self.norm = nn.LayerNorm(channels)
        self.shared = nn.Sequential(nn.Linear(channels, hidden), nn.SiLU())
        self.output = nn.ModuleDict({str(w): nn.Linear(hidden, 4 * w) for w, _ in self.runs})

    def forward(self, tokens: Tensor) -> Tensor:
        """Mask of every bin; a gate bounds each value, as in the original's gated linear unit."""
        hidden = self.shared(self.norm(tokens))
        parts = torch.split(hidden, [count for _, count in self.runs], dim=2)
        masks = []
        for (width, _), part in zip(self.runs, parts, strict=True):
            values = nn.functional.glu(self.output[str(width)](part), dim=-1)
            masks.append(values.reshape(*values.shape[:-1], width, 2).flatten(2, 3))
        return torch.view_as_complex(torch.cat(masks, dim=2).contiguous())
