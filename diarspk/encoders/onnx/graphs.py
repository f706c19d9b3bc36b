"""Encoders as modules that can be traced: waveform to embedding and frame features."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from diarspk.encoders.front_end import MelFrontEnd, WaveformFrontEnd
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.windowed import WindowedEncoder
from diarspk.errors import ArgumentError
from diarspk.features.level import clip_features, speech_level
from diarspk.features.log_mel import ENERGY_FLOOR, FeatureConfig, LogMel, mean_normalize

__all__ = ["ClipGraph", "GraphLogMel", "LocalGraph", "TrunkGraph", "build_graph"]


class GraphLogMel(nn.Module):
    """Log-mel features as one convolution, which every ONNX runtime has; none has to have an FFT.

    It computes what :class:`diarspk.features.log_mel.LogMel` does.
    Mean removal, pre-emphasis, window and Fourier transform are linear in the samples of a frame,
    so their product is the kernel of a convolution with a stride of one frame shift. It is computed
    in float64.

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
        """Compute log-mel energies."""
        spectrum = nn.functional.conv1d(waveform[:, None], self.kernel, stride=self.stride)
        real, imaginary = spectrum.chunk(2, dim=1)
        power = real.square() + imaginary.square()  # (batch, bins, frames)
        energy = nn.functional.conv1d(power, self.filters)
        return energy.clamp_min(ENERGY_FLOOR).log().transpose(1, 2)


class ClipGraph(nn.Module):
    """Graph of a :class:`~diarspk.encoders.windowed.WindowedEncoder`.

    Shape
    -----
    waveform ``(batch, time)`` -> embeddings ``(batch, dim)`` of unit norm, frame features
    ``(batch, frames, channels)``
    """

    def __init__(self, encoder: WindowedEncoder) -> None:
        super().__init__()
        self.network = encoder.network
        front_end = encoder.front_end
        if not isinstance(front_end, MelFrontEnd | WaveformFrontEnd):
            raise ArgumentError(
                f"`encoder` must read log-mel features or the waveform to be exported, got one "
                f"with {type(front_end).__name__}; run it with the torch engine"
            )
        self.log_mel = GraphLogMel(front_end.config) if isinstance(front_end, MelFrontEnd) else None

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """Embed clips of one length."""
        inputs = waveform if self.log_mel is None else mean_normalize(self.log_mel(waveform))
        frames, _ = self.network.encode(inputs)
        embedding = self.network.project(self.network.pool(frames))
        return nn.functional.normalize(embedding, dim=-1), frames


class LocalGraph(nn.Module):
    """Graph of a :class:`~diarspk.encoders.local.encoder.LocalEncoder` over a whole recording.

    Shape
    -----
    waveform ``(1, time)`` -> embedding ``(1, dim)`` of unit norm, trunk frames
    ``(1, frames, channels)``
    """

    def __init__(self, encoder: LocalEncoder) -> None:
        super().__init__()
        self.network = encoder.network
        self.log_mel = GraphLogMel(encoder.log_mel.config)
        config = encoder.log_mel.config
        self.hop = config.frame_shift_samples * encoder.network.config.trunk.stride
        self.start = config.frame_length_samples // 2

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """Embed a recording."""
        features = self.log_mel(waveform)
        level = speech_level(features.exp().mean(-1))[:, None, None]
        rounded = features.half().float()  # a Recording stores float16
        frames = self.network.trunk(clip_features(rounded - level))
        weights = self._weights(waveform.shape[1], frames)
        embedding = self.network.utterance(frames, weights)[:, 0]
        return nn.functional.normalize(embedding, dim=-1), frames

    def _weights(self, samples: int, frames: Tensor) -> Tensor:
        """Weights of one on the frames that :meth:`LocalEncoder.region` finds for the recording.

        Frame i is in if i < round((samples - start) / hop), ties to even, and so is the first. In
        integers, since a graph's rounding of floats need not be Python's.
        """
        index = torch.arange(frames.shape[1])
        beyond = 2 * (samples - self.start) - (2 * index + 1) * self.hop
        inside = (beyond > 0) | ((beyond == 0) & (index % 2 == 1)) | (index == 0)
        return inside.to(frames.dtype).expand(frames.shape[0], 1, -1)


class TrunkGraph(nn.Module):
    """Graph of the trunk alone, for block-wise processing by a local encoder.

    Shape
    -----
    level-normalised features ``(1, frames, mels)`` -> trunk frames ``(1, frames', channels)``
    """

    def __init__(self, encoder: LocalEncoder) -> None:
        super().__init__()
        self.trunk = encoder.network.trunk

    def forward(self, features: Tensor) -> Tensor:
        """Compute trunk frames."""
        return self.trunk(features)


def build_graph(encoder: object) -> nn.Module:
    """Build the graph of an encoder.

    Raises
    ------
    ArgumentError
        If its front end or its network cannot be exported.
    """
    if isinstance(encoder, LocalEncoder):
        return LocalGraph(encoder)
    if isinstance(encoder, WindowedEncoder):
        return ClipGraph(encoder)
    raise ArgumentError(
        f"`encoder` must be an embedded one or a network of this package to be exported, got "
        f"{type(encoder).__name__}; run it with the torch engine"
    )


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
