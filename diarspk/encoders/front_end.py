"""What a network hears: the waveform, or log-mel features less their mean."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from diarspk.features.log_mel import FeatureConfig, LogMel, mean_normalize

__all__ = ["FrontEnd", "MelFrontEnd", "WaveformFrontEnd"]


class FrontEnd(ABC):
    """One waveform to the inputs of a network.

    Attributes
    ----------
    sample_rate : int
        Rate in Hz of the waveform.
    hop_samples : int
        Samples from one input to the next.
    """

    sample_rate: int
    hop_samples: int

    @abstractmethod
    def __call__(self, waveform: Tensor) -> Tensor:
        """Turn ``(time,)`` in [-1, 1] into inputs: ``(frames, mels)``, or ``(time,)``."""

    @abstractmethod
    def samples_for(self, inputs: int) -> int:
        """Least number of samples that give so many inputs."""

    @abstractmethod
    def describe(self) -> str:
        """Everything that changes the inputs, for fingerprints."""


class MelFrontEnd(FrontEnd):
    """Kaldi's log-mel features, less their mean over the utterance."""

    def __init__(self, config: FeatureConfig | None = None) -> None:
        self.log_mel = LogMel(config)
        self.config = self.log_mel.config
        self.sample_rate = self.config.sample_rate
        self.hop_samples = self.config.frame_shift_samples

    def __call__(self, waveform: Tensor) -> Tensor:
        """``(frames, mels)``."""
        return mean_normalize(self.log_mel(waveform[None]))[0]

    def samples_for(self, inputs: int) -> int:
        """Count a frame, and a shift for every other."""
        return self.config.frame_length_samples + (inputs - 1) * self.hop_samples

    def describe(self) -> str:
        """Name the settings."""
        return repr(self.config)


class WaveformFrontEnd(FrontEnd):
    """The waveform itself."""

    hop_samples = 1

    def __init__(self, sample_rate: int = 16000) -> None:
        self.sample_rate = sample_rate

    def __call__(self, waveform: Tensor) -> Tensor:
        """``(time,)``."""
        return waveform.to(torch.float32)

    def samples_for(self, inputs: int) -> int:
        """Count the same."""
        return inputs

    def describe(self) -> str:
        """Name the rate."""
        return f"waveform at {self.sample_rate} Hz"
