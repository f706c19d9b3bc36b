"""PyanNet, pyannote.audio's segmentation network, as the segmenter of our pipeline.

Bredin & Laurent 2021, "End-to-end speaker segmentation for overlap-aware resegmentation", and
Plaquet & Bredin 2023 for the power set. Modules are named as in the published checkpoints. The
network reads the waveform itself, so it costs a pass of its own over the recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.audio import SAMPLE_RATE, AudioStream
from diarspk.devices import device_of
from diarspk.encoders.architectures.sinc import SincFilters
from diarspk.segmentation.audio_segmenter import AudioSegmenter
from diarspk.segmentation.powerset import Powerset
from diarspk.segmentation.segmenter import Segmentation
from diarspk.segmentation.windows import WindowGrid, audio_windows

__all__ = ["PyanNet", "PyanNetConfig", "PyanNetSegmenter"]

FRAME_SAMPLES = 991
"""Samples that the first frame depends on."""

HOP_SAMPLES = 270
WINDOWS_PER_BATCH = 8


@dataclass(frozen=True)
class PyanNetConfig:
    """Dimensions of a :class:`PyanNet`; the defaults are those of pyannote/segmentation-3.0."""

    hidden: int = 128
    layers: int = 4
    linear: int = 128
    linear_layers: int = 2
    window_s: float = 10.0
    speakers: int = 3
    simultaneous: int | None = 2  # None: an independent output for each speaker

    @property
    def classes(self) -> int:
        """Outputs per frame."""
        if self.simultaneous is None:
            return self.speakers
        return len(Powerset(self.speakers, self.simultaneous))


class PyanNet(nn.Module):
    """Sinc filters, convolutions, bidirectional LSTM and linear layers.

    Shape
    -----
    waveform at 16 kHz ``(batch, samples)`` -> probability that each local speaker talks
    ``(batch, frames, speakers)``; a frame every 270 samples, centred on sample 495 first.
    """

    def __init__(self, config: PyanNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PyanNetConfig()
        self.sincnet = SincNet()
        self.lstm = nn.LSTM(60, config.hidden, config.layers, bidirectional=True, batch_first=True)
        sizes = [2 * config.hidden] + [config.linear] * config.linear_layers
        self.linear = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(sizes))
        self.classifier = nn.Linear(sizes[-1], config.classes)

    def forward(self, waveform: Tensor) -> Tensor:
        """Probability of each local speaker."""
        x, _ = self.lstm(self.sincnet(waveform.unsqueeze(1)).transpose(1, 2))
        for layer in self.linear:
            x = nn.functional.leaky_relu(layer(x))
        logits = self.classifier(x)
        if self.config.simultaneous is None:
            return logits.sigmoid()
        powerset = Powerset(self.config.speakers, self.config.simultaneous)
        return powerset.marginals(logits.softmax(-1))


class SincNet(nn.Module):
    """Band-pass filters (Ravanelli & Bengio 2018) and two convolutions, each with max pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.wav_norm1d = nn.InstanceNorm1d(1, affine=True)
        self.conv1d = nn.ModuleList(
            [SincConvolution(80, 251, stride=10), nn.Conv1d(80, 60, 5), nn.Conv1d(60, 60, 5)]
        )
        self.norm1d = nn.ModuleList(nn.InstanceNorm1d(size, affine=True) for size in (80, 60, 60))

    def forward(self, waveform: Tensor) -> Tensor:
        """``(batch, 1, samples)`` -> ``(batch, 60, frames)``."""
        x = self.wav_norm1d(waveform)
        for layer, (convolution, norm) in enumerate(zip(self.conv1d, self.norm1d, strict=True)):
            x = convolution(x).abs() if layer == 0 else convolution(x)
            x = nn.functional.leaky_relu(norm(nn.functional.max_pool1d(x, 3)))
        return x


class SincConvolution(nn.Module):
    """Convolution with even and odd band-pass filters given by their edges in hertz."""

    def __init__(self, filters: int, kernel: int, *, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.filterbank = SincFilters(filters // 2, kernel, SAMPLE_RATE)

    def forward(self, waveform: Tensor) -> Tensor:
        """``(batch, 1, samples)`` -> ``(batch, filters, frames)``."""
        return nn.functional.conv1d(waveform, self.filterbank(), stride=self.stride)


class PyanNetSegmenter(AudioSegmenter):
    """A :class:`PyanNet` in place of the embedded segmentation head.

    Parameters
    ----------
    network
        From :func:`diarspk.segmentation.pyannet_checkpoint.load_pyannet`.
    step_s
        Seconds from one window to the next.
    """

    first_centre_samples = FRAME_SAMPLES / 2
    hop_samples = HOP_SAMPLES

    def __init__(self, network: PyanNet, *, step_s: float = 2.5) -> None:
        self.network = network.eval().requires_grad_(False)
        self.window_s, self.step_s = network.config.window_s, step_s
        self.speakers = network.config.speakers

    def read(
        self, stream: AudioStream, windows: WindowGrid, nearest: NDArray[np.int64]
    ) -> Segmentation:
        """Run the network over the windows of the recording."""
        samples = max(windows.samples, FRAME_SAMPLES + HOP_SAMPLES)
        audio = audio_windows(stream, windows.first_samples, samples)
        found: dict[int, NDArray[np.float16]] = {}
        for first in range(0, len(windows.starts), WINDOWS_PER_BATCH):
            batch = np.stack(list(islice(audio, WINDOWS_PER_BATCH)))
            with torch.inference_mode():
                waveforms = torch.from_numpy(batch).to(device_of(self.network))
                activity = self.network(waveforms).numpy(force=True)
            index = nearest.clip(0, activity.shape[1] - 1)
            starts = windows.starts[first : first + len(batch)].tolist()
            found |= zip(starts, activity[:, index].astype(np.float16), strict=True)

        def local_speakers(frames: Tensor, first: NDArray[np.int64]) -> NDArray[np.float32]:
            return np.stack([found[start] for start in first.tolist()]).astype(np.float32)

        return local_speakers
