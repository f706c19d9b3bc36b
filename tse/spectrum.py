"""Spectra of frames, and what a network reads of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tse.framing import Framing

__all__ = ["SpectralMap", "SpectralTransform", "compress"]

COMPRESSION = 0.3
"""Power of the magnitude in compressed spectra: 60 dB of level become a factor of eight."""


class SpectralTransform(nn.Module):
    """Windowed Fourier transform of frames and its inverse; the Nyquist bin is left out.

    Analysis and synthesis window are both the root of a Hann window, scaled so that overlapping
    frames sum to what they were cut from.
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
        """Spectrum ``(batch, frames, bins)``, complex, of frames ``(batch, frames, window)``."""
        return torch.fft.rfft(frames * self.analysis, norm="ortho")[..., :-1]

    def inverse(self, spectrum: Tensor) -> Tensor:
        """Frames that are to be summed."""
        whole = nn.functional.pad(spectrum, (0, 1))
        frames = torch.fft.irfft(whole, n=len(self.analysis), norm="ortho")
        return frames * self.synthesis


def compress(spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """Magnitude to the power 0.3, and a complex spectrum with it: real parts, then imaginary.

    Returns
    -------
    magnitude ``(..., bins)`` and parts ``(..., bins, 2)``
    """
    # The floor keeps the slope of the root finite; it lies 100 dB below level one.
    power = spectrum.real.square() + spectrum.imag.square() + 1e-10
    magnitude = power.pow(COMPRESSION / 2)
    return magnitude, torch.view_as_real(spectrum) * power.pow((COMPRESSION - 1) / 2)[..., None]


class SpectralMap(nn.Module):
    """What the enrolment has sounded like whenever it sounded like this frame of the mixture.

    Each mixture frame attends to the enrolment's frames by the likeness of their spectra; the
    spectrum that it gets back is scaled to the frame (2410.16059, TF-map). There
    the likeness is a plain cosine; here spectra are compressed and centred, and the sharpness of
    the softmax is trained, since without that all weights are nearly equal.
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
        likeness = _shape(mixture) @ _shape(enrolment).transpose(1, 2)
        scores = likeness * self.log_sharpness.exp()
        weights = scores.masked_fill(~valid[:, None], -torch.inf).softmax(-1)
        template = weights @ enrolment
        scale = (mixture * template).sum(-1, keepdim=True)
        return template * (scale / template.square().sum(-1, keepdim=True).clamp_min(1e-8))


def _shape(magnitude: Tensor) -> Tensor:
    """Deviation of each frame's spectrum from its mean, as a unit vector."""
    return nn.functional.normalize(magnitude - magnitude.mean(-1, keepdim=True), dim=-1)
