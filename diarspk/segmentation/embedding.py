"""How the local speakers of windows are embedded: from the trunk's frames, or from the audio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.audio import SAMPLE_RATE, AudioStream
from diarspk.encoders.base import Embedding, SpeakerEncoder
from diarspk.encoders.local import LocalEncoder
from diarspk.segmentation.audio_windows import audio_windows

__all__ = ["AudioEmbedder", "TrunkEmbedder", "WindowEmbedder"]


class WindowEmbedder(Protocol):
    """Embeds the local speakers of batches of windows, which come in the order of time."""

    def __call__(
        self, frames: Tensor, first: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> Embedding:
        """Embed them: unit vectors ``(windows, speakers, dim)``; arbitrary where all weights are 0.

        Parameters
        ----------
        frames
            Trunk frames of the windows, ``(windows, frames, width)``.
        first
            Number of each window's first frame in the recording, ``(windows,)``.
        weights
            Frames that belong to each local speaker, in {0, 1}: ``(windows, frames, speakers)``.
        """
        ...


class TrunkEmbedder:
    """The embedded encoder: the frames that segmentation has read are pooled."""

    def __init__(self, encoder: LocalEncoder) -> None:
        self.encoder = encoder

    @torch.inference_mode()
    def __call__(
        self, frames: Tensor, first: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> Embedding:
        """See :class:`WindowEmbedder`."""
        by_speaker = torch.from_numpy(np.ascontiguousarray(weights.transpose(0, 2, 1)))
        pooled = self.encoder.network.utterance(frames, by_speaker)
        return nn.functional.normalize(pooled, dim=-1).numpy()


class AudioEmbedder:
    """Any other encoder: it hears the audio of each window.

    Parameters
    ----------
    encoder
        Its :meth:`~diarspk.encoders.base.SpeakerEncoder.embed_masked` is called.
    stream
        The recording. It is read once more, beside the trunk's pass, and only the windows of one
        batch are in memory.
    starts
        First frames of all windows that will be asked for, ``(windows,)``, rising.
    length
        Frames of a window.
    hop
        Seconds from one frame to the next.
    """

    def __init__(
        self,
        encoder: SpeakerEncoder,
        stream: AudioStream,
        starts: NDArray[np.int64],
        length: int,
        hop: float,
    ) -> None:
        self.encoder = encoder
        places = [round(start * hop * SAMPLE_RATE) for start in starts.tolist()]
        samples = max(round(length * hop * SAMPLE_RATE), 1)
        self._windows: Iterator[NDArray[np.float32]] = audio_windows(stream, places, samples)

    def __call__(
        self, frames: Tensor, first: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> Embedding:
        """See :class:`WindowEmbedder`."""
        windows = np.stack([next(self._windows) for _ in range(len(first))])
        return self.encoder.embed_masked(windows, weights > 0)
