"""Short-time analysis and synthesis: framing, Fourier transform, compression, spectral map."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diarspk.errors import ArgumentError

__all__ = ["Framing", "SpectralMap", "SpectralTransform", "compress"]

COMPRESSION = 0.3
"""Exponent of magnitudes in compressed spectra: 60 dB of level become a factor of eight."""


@dataclass(frozen=True)
class Framing:
    """Overlapping frames of a waveform, and overlap-add; the same offline and block by block.

    Frame ``i`` ends with sample ``(i + 1) * hop_samples``. What lies before the first sample and
    after the last one is zero, so every sample lies in ``overlap`` frames.

    Attributes
    ----------
    window_samples : int
        Length of a frame, a multiple of the hop.
    hop_samples : int
        Distance between the starts of frames.
    """

    window_samples: int
    hop_samples: int

    def __post_init__(self) -> None:
        if self.hop_samples < 1 or self.window_samples % self.hop_samples:
            raise ArgumentError(
                "`window_samples` must be a multiple of `hop_samples`, got "
                f"{self.window_samples} and {self.hop_samples}"
            )

    @property
    def overlap(self) -> int:
        """Number of frames that cover a sample."""
        return self.window_samples // self.hop_samples

    def split(self, waveform: Tensor) -> Tensor:
        """Cut ``(batch, time)`` into frames ``(batch, frames, window)``."""
        time, lead = waveform.shape[-1], self.window_samples - self.hop_samples
        frames = -(-time // self.hop_samples) + self.overlap - 1
        tail = frames * self.hop_samples - time
        padded = nn.functional.pad(waveform, (lead, tail))
        return padded.unfold(-1, self.window_samples, self.hop_samples)

    def join(self, frames: Tensor, time: int) -> Tensor:
        """Overlap-add frames ``(batch, frames, window)``: ``(batch, time)``."""
        batch, count, _ = frames.shape
        parts = frames.reshape(batch, count, self.overlap, self.hop_samples)
        total = frames.new_zeros(batch, count + self.overlap - 1, self.hop_samples)
        for part in range(self.overlap):
            total[:, part : part + count] += parts[:, :, part]
        lead = self.window_samples - self.hop_samples
        return total.flatten(1)[:, lead : lead + time]


class SpectralTransform(nn.Module):
    """Windowed Fourier transform of frames and its inverse, without the Nyquist bin.

    Analysis and synthesis window are both the square root of a Hann window, scaled for perfect
    reconstruction by overlap-add.
    """

    def __init__(self, framing: Framing) -> None:
        super().__init__()
        window = torch.hann_window(framing.window_samples).sqrt()
        summed = window.square().view(framing.overlap, framing.hop_samples).sum(0)
        self.register_buffer("analysis", window, persistent=False)
        self.register_buffer("synthesis", window / summed.repeat(framing.overlap), persistent=False)
        self.analysis: Tensor
        self.synthesis: Tensor

    def forward(self, frames: Tensor) -> Tensor:
        """Complex spectrum ``(batch, frames, bins)`` of frames ``(batch, frames, window)``."""
        # Without the Nyquist bin the bins divide evenly into bands.
        return torch.fft.rfft(frames * self.analysis, norm="ortho")[..., :-1]

    def inverse(self, spectrum: Tensor) -> Tensor:
        """Frames for overlap-add, ``(batch, frames, window)``."""
        whole = nn.functional.pad(spectrum, (0, 1))
        frames = torch.fft.irfft(whole, n=len(self.analysis), norm="ortho")
        return frames * self.synthesis


def compress(spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """Compress magnitudes to the power of :data:`COMPRESSION`, phases unchanged.

    Returns
    -------
    magnitude : Tensor, ``(..., bins)``
    parts : Tensor, ``(..., bins, 2)``
        Real and imaginary part of the compressed spectrum.
    """
    # The floor keeps the slope of the root finite; it lies 100 dB below level one.
    power = spectrum.real.square() + spectrum.imag.square() + 1e-10
    magnitude = power.pow(COMPRESSION / 2)
    return magnitude, torch.view_as_real(spectrum) * power.pow((COMPRESSION - 1) / 2)[..., None]


class SpectralMap(nn.Module):
    """Time-frequency map of the target estimated from spectrally similar enrolment frames.

    Each mixture frame attends to the enrolment frames by spectral similarity; the spectrum that it
    gets is scaled to the frame (TF-map of Zhang et al. 2024, arXiv 2410.16059). The paper's
    similarity is a plain cosine. Here spectra are compressed and centred and the temperature of the
    softmax is trained, since otherwise all weights are nearly equal.

    Parameters
    ----------
    sharpness
        Initial inverse temperature of the softmax.
    """

    def __init__(self, sharpness: float = 8.0) -> None:
        super().__init__()
        self.log_sharpness = nn.Parameter(torch.tensor(math.log(sharpness)))

    def forward(self, mixture: Tensor, enrolment: Tensor, valid: Tensor) -> Tensor:
        """Map the compressed magnitudes of an enrolment onto those of a mixture.

        Shape
        -----
        mixture ``(batch, frames, bins)``, enrolment ``(batch, others, bins)``, valid
        ``(batch, others)``, true on frames that are not padding -> ``(batch, frames, bins)``
        """
        similarity = _shape(mixture) @ _shape(enrolment).transpose(1, 2)
        scores = similarity * self.log_sharpness.exp()
        weights = scores.masked_fill(~valid[:, None], -torch.inf).softmax(-1)
        template = weights @ enrolment
        scale = (mixture * template).sum(-1, keepdim=True)
        return template * (scale / template.square().sum(-1, keepdim=True).clamp_min(1e-8))


def _shape(magnitude: Tensor) -> Tensor:
    """Deviation of each frame's spectrum from its mean, as a unit vector."""
    return nn.functional.normalize(magnitude - magnitude.mean(-1, keepdim=True), dim=-1)
