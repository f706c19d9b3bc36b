"""Front ends of networks: the waveform, or mean-normalised log-mel features."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from diarspk.audio import SAMPLE_RATE
from diarspk.features.log_mel import FeatureConfig, LogMel, mean_normalize

__all__ = ["FrontEnd", "MelFrontEnd", "WaveformFrontEnd"]


class FrontEnd(ABC):
    """Computation of a network's input from one waveform.

    Attributes
    ----------
    sample_rate : int
        Sample rate of the waveform in Hz.
    hop_samples : int
        Samples from one input frame to the next; 1 where the input is the waveform.
    """

    sample_rate: int
    hop_samples: int

    @abstractmethod
    def __call__(self, waveform: Tensor) -> Tensor:
        """Compute the input ``(frames, mels)``, or ``(time,)``, of a waveform ``(time,)``."""

    @abstractmethod
    def samples_for(self, inputs: int) -> int:
        """Minimum number of samples that give ``inputs`` input frames."""

    def to(self, device: torch.device) -> None:
        """Move what the input is computed with to a device, in place; waveforms come on it."""
        for name, part in vars(self).items():
            if isinstance(part, nn.Module | Tensor):
                setattr(self, name, part.to(device))

    @abstractmethod
    def describe(self) -> str:
        """Every setting that changes the input, as text for fingerprints."""


class MelFrontEnd(FrontEnd):
    """Kaldi's log-mel features with mean normalisation over the utterance."""

    def __init__(self, config: FeatureConfig | None = None) -> None:
        self.log_mel = LogMel(config)
        self.config = self.log_mel.config
        self.sample_rate = self.config.sample_rate
        self.hop_samples = self.config.frame_shift_samples

    def __call__(self, waveform: Tensor) -> Tensor:
        """Compute ``(frames, mels)``."""
        return mean_normalize(self.log_mel(waveform[None]))[0]

    def samples_for(self, inputs: int) -> int:
        """Frame length, and a frame shift for every further frame."""
        return self.config.frame_length_samples + (inputs - 1) * self.hop_samples

    def describe(self) -> str:
        """Describe the settings of the features."""
        return repr(self.config)


class WaveformFrontEnd(FrontEnd):
    """Waveform as it is."""

    hop_samples = 1

    def __init__(self, sample_rate: int = SAMPLE_RATE) -> None:
        self.sample_rate = sample_rate

    def __call__(self, waveform: Tensor) -> Tensor:
        """Convert to float32 ``(time,)``."""
        return waveform.to(torch.float32)

    def samples_for(self, inputs: int) -> int:
        """Return the same number."""
        return inputs

    def describe(self) -> str:
        """Sample rate of the waveform."""
        return f"waveform at {self.sample_rate} Hz"
