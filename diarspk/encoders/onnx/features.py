"""Log-mel features as one convolution, which every ONNX runtime knows; none has to know an FFT."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from diarspk.features.log_mel import ENERGY_FLOOR, FeatureConfig, LogMel

__all__ = ["GraphLogMel"]


class GraphLogMel(nn.Module):
    """What :class:`diarspk.features.log_mel.LogMel` computes.

    Taking a frame's mean off, pre-emphasis, window and Fourier transform are all linear in the
    samples of the frame, so their product is the kernel of a convolution with a stride of one
    frame shift. It is made in double precision.

    Shape
    -----
    waveform ``(batch, time)``, of one frame or more -> ``(batch, frames, mels)``
    """

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__()
        self.stride = config.frame_shift_samples
        self.register_buffer("kernel", _kernel(config))
        self.register_buffer("filters", LogMel(config).filters.T[..., None].contiguous())
        self.kernel: Tensor
        self.filters: Tensor

    def forward(self, waveform: Tensor) -> Tensor:
        """Log-mel energies."""
        spectrum = nn.functional.conv1d(waveform[:, None], self.kernel, stride=self.stride)
        real, imaginary = spectrum.chunk(2, dim=1)
        power = real.square() + imaginary.square()  # (batch, bins, frames)
        energy = nn.functional.conv1d(power, self.filters)
        return energy.clamp_min(ENERGY_FLOOR).log().transpose(1, 2)


def _kernel(config: FeatureConfig) -> Tensor:
    """Real and imaginary part of every bin below the Nyquist: ``(2 bins, 1, frame_length)``."""
    length, size = config.frame_length_samples, config.fft_size
    centre = torch.eye(length, dtype=torch.float64) - 1 / length
    delay = torch.diag(torch.ones(length - 1, dtype=torch.float64), -1)
    delay[0, 0] = 1.0
    emphasis = torch.eye(length, dtype=torch.float64) - config.preemphasis * delay
    window = LogMel(config).window.double()[:, None]
    angle = torch.arange(size // 2)[:, None] * torch.arange(length) % size * (2 * math.pi / size)
    transform = torch.cat([angle.double().cos(), -angle.double().sin()])
    return (config.scale * transform @ (window * emphasis) @ centre).float()[:, None]
