"""How the local speakers of windows are embedded: from the trunk's frames, or from the audio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.audio import SAMPLE_RATE, AudioStream
from diarspk.diarization.subsegments import ChosenFrames, SubsegmentGrid, Subsegments
from diarspk.encoders.base import Embedding, SpeakerEncoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.segmentation.windows import audio_windows

__all__ = ["AudioEmbedder", "TrunkEmbedder", "WindowBatch", "WindowEmbedder"]


class WindowBatch(NamedTuple):
    """Consecutive windows of a recording.

    ``number`` is that of the first one, ``first (windows,)`` are their first frames, ``frames
    (windows, frames, channels)`` those of the trunk, and ``moments`` what the utterance head adds
    up for each frame of each window.
    """

    number: int
    first: NDArray[np.int64]
    frames: Tensor
    moments: list[Tensor]


class WindowEmbedder(Protocol):
    """Embeds the local speakers of batches of windows, which come in the order of time."""

    def __call__(
        self, batch: WindowBatch, active: NDArray[np.bool_], weights: NDArray[np.float32]
    ) -> Embedding:
        """Embed them: unit vectors ``(windows, speakers, dim)``; arbitrary where all weights are 0.

        Parameters
        ----------
        batch
            Windows.
        active
            Who talks in them, ``(windows, frames, speakers)``.
        weights
            Frames that each local speaker is embedded from, in {0, 1}, in the same shape.
        """
        ...

    @property
    def subsegments(self) -> Subsegments | None:
        """Those of all windows so far, if there are any."""
        ...


class TrunkEmbedder:
    """The embedded encoder: the frames that segmentation has read are pooled.

    Parameters
    ----------
    encoder
        Whose utterance head pools.
    starts, length
        First frames of all windows, ``(windows,)``, and frames of each.
    """

    def __init__(self, encoder: LocalEncoder, starts: NDArray[np.int64], length: int) -> None:
        self.encoder = encoder
        self.grid = SubsegmentGrid.over(starts, length, encoder.frame_hop)
        count = len(self.grid.centre)
        self._subsegments = Subsegments(
            np.empty(count, np.int64),
            np.empty((count, encoder.dimension), np.float32),
            np.empty(count, np.float64),
        )
        self._count = 0

    def __call__(
        self, batch: WindowBatch, active: NDArray[np.bool_], weights: NDArray[np.float32]
    ) -> Embedding:
        """See :class:`WindowEmbedder`."""
        chosen = self.grid.choose(active, batch.first, batch.number)
        self._keep(chosen, self._pool(batch, [each.weights for each in chosen]))
        windows, _, speakers = weights.shape
        return self._pool(batch, list(weights.transpose(0, 2, 1))).reshape(windows, speakers, -1)

    @property
    def subsegments(self) -> Subsegments:
        """See :class:`WindowEmbedder`."""
        kept, count = self._subsegments, self._count
        return Subsegments(kept.centre[:count], kept.embeddings[:count], kept.seconds[:count])

    def _keep(self, chosen: list[ChosenFrames], embeddings: Embedding) -> None:
        """Take in the subsegments of some windows more."""
        rows = slice(self._count, self._count + len(embeddings))
        kept = self._subsegments
        kept.embeddings[rows] = embeddings
        kept.centre[rows] = np.concatenate([each.centre for each in chosen])
        kept.seconds[rows] = np.concatenate([each.seconds for each in chosen])
        self._count = rows.stop

    @torch.inference_mode()
    def _pool(self, batch: WindowBatch, weights: list[NDArray[np.float32]]) -> Embedding:
        """Embed spans ``(spans, frames)`` of each window: unit vectors ``(all spans, dim)``."""
        pooled = [
            (torch.from_numpy(np.ascontiguousarray(spans)) @ each.flatten(1)).view(
                -1, *each.shape[1:]
            )
            for spans, each in zip(weights, batch.moments, strict=True)
            if len(spans)
        ]
        if not pooled:
            return np.zeros((0, self.encoder.dimension), np.float32)
        embeddings = self.encoder.network.utterance.embed_moments(torch.cat(pooled)[None])[0]
        return nn.functional.normalize(embeddings, dim=-1).numpy()


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
        self, batch: WindowBatch, active: NDArray[np.bool_], weights: NDArray[np.float32]
    ) -> Embedding:
        """See :class:`WindowEmbedder`."""
        return self.embed(weights)

    @property
    def subsegments(self) -> None:
        """None: they would cost the encoder several passes more."""
        return None

    def embed(self, weights: NDArray[np.float32]) -> Embedding:
        """Embed the next windows, as many as there are weights for."""
        windows = np.stack([next(self._windows) for _ in range(len(weights))])
        return self.encoder.embed_masked(windows, weights > 0)
