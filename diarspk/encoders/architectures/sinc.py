"""Sinc filterbanks: band-pass filters with learned edges, for networks that read the waveform."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["SincFilters"]


class SincFilters(nn.Module):
    """Impulse responses of band-pass filters in quadrature: ``(2 bands, 1, kernel)``.

    Ravanelli and Bengio 2018 (SincNet), with the odd filters of Pariente et al. 2020 (equation 5).
    Parameters, in Hz: lower edges and bandwidths in excess of 50 Hz, initialised mel-spaced.
    """

    MIN_HZ = 50.0  # of an edge, and of a bandwidth

    def __init__(self, bands: int, kernel: int, sample_rate: int) -> None:
        super().__init__()
        self.nyquist = sample_rate / 2
        low, high = _mel(30.0), _mel(self.nyquist - 2 * self.MIN_HZ)
        mels = torch.linspace(low, high, bands + 1, dtype=torch.float64)
        edges = (700 * (10 ** (mels / 2595) - 1)).float()[:, None]
        self.low_hz_ = nn.Parameter(edges[:-1].clone())
        self.band_hz_ = nn.Parameter(edges.diff(dim=0))
        half = kernel // 2
        window = torch.hamming_window(kernel, periodic=False)[:half]
        self.register_buffer("window", window, persistent=False)
        angle = 2 * math.pi * torch.arange(-half, 0) / sample_rate
        self.register_buffer("angle", angle[None], persistent=False)
        self.window: Tensor
        self.angle: Tensor

    def forward(self) -> Tensor:
        """Compute the filters, the even ones first."""
        low = self.MIN_HZ + self.low_hz_.abs()
        high = (low + self.MIN_HZ + self.band_hz_.abs()).clamp(self.MIN_HZ, self.nyquist)
        band = 2 * (high - low)  # (bands, 1)
        window = self.window / (self.angle / 2)
        even = ((high * self.angle).sin() - (low * self.angle).sin()) * window
        odd = ((low * self.angle).cos() - (high * self.angle).cos()) * window
        cosine = torch.cat([even, band, even.flip(1)], dim=1)
        sine = torch.cat([odd, torch.zeros_like(band), -odd.flip(1)], dim=1)
        return torch.cat([cosine / band, sine / band])[:, None]


def _mel(frequency: float) -> float:
    return 2595 * math.log10(1 + frequency / 700)
