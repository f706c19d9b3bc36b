"""Kaldi-compatible log-mel features, the same in training, inference and export."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from diarspk.audio import SAMPLE_RATE

__all__ = ["FeatureConfig", "LogMel", "gated_level", "mean_normalize"]

INT16_SCALE = 32768.0
"""Kaldi reads 16-bit integers: a waveform in [-1, 1] is scaled by this before the transform."""

ENERGY_FLOOR = torch.finfo(torch.float32).eps
"""Kaldi's floor below the logarithm, in the power of the int16-scaled waveform."""


@dataclass(frozen=True)
class FeatureConfig:
    """Settings of log-mel features. Defaults: Kaldi's, with WeSpeaker's window and mels."""

    sample_rate: int = SAMPLE_RATE
    mels: int = 80
    frame_length_ms: float = 25.0
    frame_shift_ms: float = 10.0
    preemphasis: float = 0.97
    low_frequency: float = 20.0
    window: Literal["hamming", "povey"] = "hamming"
    scale: float = INT16_SCALE  # of the waveform; only 1 where a network was trained on [-1, 1]

    @property
    def frame_length_samples(self) -> int:
        """Frame length in samples."""
        return round(self.sample_rate * self.frame_length_ms / 1000)

    @property
    def frame_shift_samples(self) -> int:
        """Frame shift in samples."""
        return round(self.sample_rate * self.frame_shift_ms / 1000)

    @property
    def fft_size(self) -> int:
        """Size of the Fourier transform: the smallest power of two from the frame length up."""
        return 1 << (self.frame_length_samples - 1).bit_length()


class LogMel(nn.Module):
    """Log-mel filterbank equal to ``torchaudio.compliance.kaldi.fbank`` without dither.

    Every frame has its mean removed, is pre-emphasised, multiplied by a window (Hamming, or
    Povey's power of a Hann window) and transformed; mel filters are triangular on the mel axis;
    energies are floored, then logged.

    Shape
    -----
    waveform ``(batch, time)`` in [-1, 1] -> ``(batch, frames, mels)``, where
    ``frames = 1 + (time - frame_length) // frame_shift`` (Kaldi's ``snip_edges``), and a
    waveform shorter than one frame is padded with zeros to give one.
    """

    def __init__(self, config: FeatureConfig | None = None) -> None:
        super().__init__()
        self.config = config or FeatureConfig()
        self.register_buffer("window", _window(self.config), persistent=False)
        self.register_buffer("filters", _mel_filters(self.config), persistent=False)
        self.window: Tensor
        self.filters: Tensor

    def forward(self, waveform: Tensor) -> Tensor:
        """Compute log-mel energies of a waveform at the configured sample rate."""
        length, shift = self.config.frame_length_samples, self.config.frame_shift_samples
        if waveform.shape[-1] < length:
            waveform = nn.functional.pad(waveform, (0, length - waveform.shape[-1]))
        frames = waveform.unfold(-1, length, shift) * self.config.scale  # (batch, frames, length)
        frames = frames - frames.mean(dim=-1, keepdim=True)
        delayed = torch.cat([frames[..., :1], frames[..., :-1]], dim=-1)  # x[-1] is taken as x[0]
        frames = (frames - self.config.preemphasis * delayed) * self.window
        spectrum = torch.fft.rfft(frames, n=self.config.fft_size)[..., :-1]  # Nyquist has no weight
        power = spectrum.real.square() + spectrum.imag.square()  # (batch, frames, bins)
        return (power @ self.filters).clamp_min(ENERGY_FLOOR).log()


def _window(config: FeatureConfig) -> Tensor:
    if config.window == "povey":
        return torch.hann_window(config.frame_length_samples, periodic=False).pow(0.85)
    return torch.hamming_window(config.frame_length_samples, periodic=False)


def _mel_filters(config: FeatureConfig) -> Tensor:
    """Triangular filters ``(bins, mels)``, equally spaced on ``1127 ln(1 + f / 700)``.

    In single precision on purpose: Kaldi and torchaudio round the edges of the narrow low filters
    so, which moves their logarithm by 2e-4, and the networks of the field were trained on that.
    """

    def mel(frequency: float) -> float:
        return 1127.0 * math.log(1.0 + frequency / 700.0)

    low, high = mel(config.low_frequency), mel(config.sample_rate / 2)
    step = (high - low) / (config.mels + 1)
    left, centre, right = (low + (torch.arange(config.mels) + k) * step for k in range(3))
    frequency = config.sample_rate / config.fft_size * torch.arange(config.fft_size // 2)
    position = 1127.0 * (1.0 + frequency / 700.0).log()[:, None]
    rising = (position - left) / (centre - left)
    falling = (right - position) / (right - centre)
    return torch.minimum(rising, falling).clamp_min(0.0)


def mean_normalize(features: Tensor, mask: Tensor | None = None) -> Tensor:
    """Subtract the mean over time: ``(batch, frames, mels)``, ``mask`` ``(batch, frames)`` bool."""
    if mask is None:
        return features - features.mean(dim=-2, keepdim=True)
    weight = mask.unsqueeze(-1).to(features.dtype)
    total = (features * weight).sum(dim=-2, keepdim=True)
    return features - total / weight.sum(dim=-2, keepdim=True).clamp_min(1.0)


def gated_level(features: Tensor, gate_db: float = 10.0) -> Tensor:
    """Gated level of log-mel features: the natural log of the mean power of their loud frames.

    As in ITU-R BS.1770, frames more than ``gate_db`` below the mean power are left out of a second
    mean, so pauses and padding weigh little. Scaling the waveform by ``g`` adds ``2 ln g`` to the
    features and to the level alike, so ``features - level`` does not depend on volume.

    Shape
    -----
    ``(..., frames, mels)`` -> ``(...,)``
    """
    power = features.exp().mean(dim=-1)  # (..., frames)
    ungated = power.mean(dim=-1, keepdim=True)
    loud = (power >= ungated * 10 ** (-gate_db / 10)).to(power.dtype)
    return ((power * loud).sum(dim=-1) / loud.sum(dim=-1)).log()
