"""Nemotron 3 Diarization (NVIDIA, 2026) as a segmenter, through transformers.

End to end, it follows eight speakers at most, in the order in which they arrive, and its memory of
a voice is short. Here it sees one window after another on its own, and the embeddings of its local
speakers join the windows: so more than eight people, any length, a given number of speakers,
identity, confidence and corrections are as with every other segmenter.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.audio import SAMPLE_RATE
from diarspk.devices import device_of
from diarspk.errors import ModelError
from diarspk.segmentation.audio_segmenter import AudioSegmenter
from diarspk.segmentation.segmenter import Segmentation
from diarspk.segmentation.windows import WindowGrid, audio_windows

if TYPE_CHECKING:
    from diarspk.audio import AudioStream

__all__ = ["NemotronSegmenter", "load_nemotron"]

HOP_SAMPLES = 160
"""Samples from one frame of the output to the next; the first is centred on the first sample."""

KIND = "nemotron3_diarization"
"""``model_type`` of its configuration."""


def load_nemotron(folder: Path) -> NemotronSegmenter:
    """Load a folder with ``config.json`` and ``model.safetensors``.

    Raises
    ------
    ModelError
        If transformers is missing or older than 5.18, or the folder holds another model.
    """
    try:
        from transformers import AutoConfig, Nemotron3DiarizationForAudioFrameClassification
    except ImportError as error:
        raise ModelError(
            "transformers 5.18 or later, which has Nemotron 3 Diarization, is not installed: "
            "pip install 'diarspk[transformers]'"
        ) from error
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        if config.model_type != KIND:
            raise ValueError(f"its model_type is {config.model_type}, not {KIND}")
        network = Nemotron3DiarizationForAudioFrameClassification.from_pretrained(
            folder, config=config, local_files_only=True, use_safetensors=True
        )
    except Exception as error:
        # Whatever transformers raises on files that are not what they should be.
        fault = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{folder}: transformers cannot load it ({fault}); check the files"
        ) from error
    return NemotronSegmenter(network)


class NemotronSegmenter(AudioSegmenter):
    """Segmentation by a ``Nemotron3DiarizationForAudioFrameClassification`` of transformers.

    Parameters
    ----------
    network
        It is put into evaluation mode.
    window_s
        Seconds of a window. Default: those of a chunk of the network, 27.2 s, for which it needs no
        memory of speakers.
    step_s
        Seconds from one window to the next. Default: half a window.
    """

    first_centre_samples = 0.0
    hop_samples = HOP_SAMPLES

    def __init__(
        self, network: Any, *, window_s: float | None = None, step_s: float | None = None
    ) -> None:
        from transformers import NemotronAsrStreamingFeatureExtractor

        self.network = network.eval().requires_grad_(False)
        config = network.config
        chunk = config.chunk_length * config.audio_config.subsampling_factor * HOP_SAMPLES
        self.window_s = chunk / SAMPLE_RATE if window_s is None else window_s
        self.step_s = self.window_s / 2 if step_s is None else step_s
        self.speakers = config.head_config.num_speakers
        extractor: Any = NemotronAsrStreamingFeatureExtractor  # which has no types
        self._features = extractor(config.audio_config.num_mel_bins)

    def read(
        self, stream: AudioStream, windows: WindowGrid, nearest: NDArray[np.int64]
    ) -> Segmentation:
        """Prepare the segmentation; windows are computed when they are asked for, in order."""
        audio = audio_windows(stream, windows.first_samples, windows.samples)

        def local_speakers(frames: Tensor, first: NDArray[np.int64]) -> NDArray[np.float32]:
            found = [self.probabilities(window) for window in islice(audio, len(first))]
            return np.stack([one[nearest.clip(0, len(one) - 1)] for one in found])

        return local_speakers

    @torch.inference_mode()
    def probabilities(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probability that each speaker talks, ``(frames, speakers)``, every 10 ms."""
        inputs = self._features(window, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        inputs = inputs.to(device_of(self.network))
        probabilities: Tensor = self.network(**inputs).logits[0].float().sigmoid()
        return probabilities.numpy(force=True)
