"""Embedding of local speakers and subsegments by another encoder, over chunks of the recording.

As the embedded trunk does it: every second of audio goes through the network once, and its frames
are pooled for all spans in which they lie.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.audio import SAMPLE_RATE, AudioStream
from diarspk.diarization.subsegments import (
    LENGTH_S,
    ChosenFrames,
    SubsegmentCollector,
    SubsegmentGrid,
    Subsegments,
)
from diarspk.diarization.window_embedding import WindowBatch
from diarspk.encoders.base import Embedding
from diarspk.encoders.pooled import PooledEncoder
from diarspk.encoders.precision import Precision, multiply_in
from diarspk.segmentation.windows import WindowGrid, audio_windows

__all__ = ["ChunkEmbedder", "ChunkGrid"]

CHUNK_S = 3.0
"""Seconds of a chunk whose frames are used; there is context on both sides.

Networks that normalise over a stretch, or attend to all of it, mix the voices in it: on four
simulated conversations, windows of one session have an EER of 6.7 % by CAM++ over chunks of 10 s,
3.8 % over these, and 3.6 % over chunks of 1.5 s, which cost half as much again.
"""

CONTEXT_S = 0.5
"""Seconds of audio before and after a chunk, whose frames are dropped."""

SPANS_PER_BATCH = 64


class ChunkGrid:
    """Frames of a recording by another encoder, chunk by chunk, with what is needed of them held.

    Parameters
    ----------
    encoder
        Its sample rate must be 16 kHz.
    stream
        The recording, which is read once.
    duration
        Seconds of it.
    precision
        Numerical precision of the network.
    """

    def __init__(
        self, encoder: PooledEncoder, stream: AudioStream, duration: float, precision: Precision
    ) -> None:
        self.encoder, self.precision = encoder, precision
        hop = encoder.frame_hop_samples
        self._core = max(round(CHUNK_S * SAMPLE_RATE / hop), 1)
        self._context = round(CONTEXT_S * SAMPLE_RATE / hop)
        total = max(round(duration * SAMPLE_RATE), 1)
        self._samples = total
        count = max(-(-total // (self._core * hop)), 1)
        places = [max(chunk * self._core - self._context, 0) * hop for chunk in range(count)]
        length = (self._core + 2 * self._context) * hop + encoder.first_frame_sample
        self._audio = audio_windows(stream, places, length)
        self._places = iter(places)
        self._chunk = 0
        self._frames = torch.zeros(0)
        self._origin = 0  # number of the first frame that is held

    def between(self, first: int, last: int) -> Tensor:
        """Frames from number `first` to before `last`, at least one; rising from call to call."""
        while self._origin + len(self._frames) < last and self._read():
            pass
        drop = min(first - self._origin, max(len(self._frames) - 1, 0))
        if drop > 0:
            self._frames, self._origin = self._frames[drop:], self._origin + drop
        return self._frames[: max(last - self._origin, 1)]

    @property
    def origin(self) -> int:
        """Number of the first frame that is held."""
        return self._origin

    def _read(self) -> bool:
        """Compute the next chunk; false where there is none."""
        place = next(self._places, None)
        if place is None:
            return False
        hop = self.encoder.frame_hop_samples
        samples = next(self._audio)[: max(self._samples - place, 1)]  # without padding
        with multiply_in(self.precision, self.encoder.device):
            frames = self.encoder.encode_stretch(samples).float()
        first = self._chunk * self._core - place // hop
        kept = frames[first : first + self._core]
        self._frames = torch.cat([self._frames, kept]) if len(self._frames) else kept
        self._chunk += 1
        return True


class ChunkEmbedder:
    """Embeds local speakers and subsegments by pooling another encoder's frames.

    Parameters
    ----------
    encoder
        Any whose embeddings are pooled from frames.
    stream
        The recording; it is read once more, beside the trunk's pass.
    windows
        All windows of the recording.
    precision
        Numerical precision of the network.
    """

    def __init__(
        self,
        encoder: PooledEncoder,
        stream: AudioStream,
        windows: WindowGrid,
        precision: Precision = "single",
    ) -> None:
        self.encoder, self.windows = encoder, windows
        self.collector = SubsegmentCollector(SubsegmentGrid.over(windows), encoder.dimension)
        duration = windows.frames * windows.hop
        self._grid = ChunkGrid(encoder, stream, duration, precision)

    def __call__(
        self, batch: WindowBatch, active: NDArray[np.bool_], weights: NDArray[np.float32]
    ) -> Embedding:
        """See :class:`~diarspk.diarization.window_embedding.WindowEmbedder`."""
        chosen = self.collector.grid.choose(active, batch.first, batch.number)
        found: list[Embedding] = []
        short: list[Embedding] = []
        for first, own, spans in zip(batch.first.tolist(), weights, chosen, strict=True):
            frames, nearest = self._frames(first)
            found.append(self._pool(frames, _select(own.T, nearest)))
            short.append(self._pool_short(frames, nearest, spans))
        self.collector.store(chosen, np.concatenate(short))
        return np.stack(found)

    @property
    def subsegments(self) -> Subsegments:
        """See :class:`~diarspk.diarization.window_embedding.WindowEmbedder`."""
        return self.collector.subsegments

    def _frames(self, first: int) -> tuple[Tensor, NDArray[np.int64]]:
        """Frames ``(n, channels)`` of the window from trunk frame `first` on.

        With the frame of the window, by number, that each is nearest to: ``(n,)``.
        """
        windows, hop = self.windows, self.encoder.frame_hop_samples / SAMPLE_RATE
        centre = self.encoder.first_frame_sample / SAMPLE_RATE
        begin = windows.start + (first - 0.5) * windows.hop
        numbers = (begin + np.array([0.0, windows.length * windows.hop]) - centre) / hop
        low, high = (max(round(number), 0) for number in numbers.tolist())
        frames = self._grid.between(low, max(high, low + 1))
        times = centre + (self._grid.origin + np.arange(len(frames))) * hop
        nearest = np.floor((times - begin) / windows.hop).astype(np.int64)
        return frames, nearest.clip(0, windows.length - 1)

    def _pool_short(
        self, frames: Tensor, nearest: NDArray[np.int64], spans: ChosenFrames
    ) -> Embedding:
        """Embed subsegments, each from the frames around its centre alone."""
        if not len(spans.weights):
            return np.zeros((0, self.encoder.dimension), np.float32)
        masks = _select(spans.weights, nearest)
        width = min(
            round((LENGTH_S + 2 * self.windows.hop) * SAMPLE_RATE / self.encoder.frame_hop_samples),
            len(frames),
        )
        begin = np.minimum(masks.argmax(axis=1), len(frames) - width)
        places = begin[:, None] + np.arange(width)
        return self._pool(frames[torch.from_numpy(places)], np.take_along_axis(masks, places, 1))

    def _pool(self, frames: Tensor, masks: NDArray[np.bool_]) -> Embedding:
        """Embed spans by their masks ``(spans, n)``; zero where a mask is empty.

        Frames are those of each span ``(spans, n, channels)``, or of all ``(n, channels)``.
        """
        vectors = np.zeros((len(masks), self.encoder.dimension), np.float32)
        rows = np.flatnonzero(masks.any(axis=1))
        for part in _parts(rows):
            own = frames[None].expand(len(part), -1, -1) if frames.ndim == 2 else frames[part]
            vectors[part] = self.encoder.pool_frames(own, torch.from_numpy(masks[part]))
        return vectors


def _select(weights: NDArray[np.float32], nearest: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Masks ``(spans, n)`` of frames from the weights ``(spans, frames)`` of the window's own.

    What lies between two frames selects the closest one.
    """
    masks: NDArray[np.bool_] = weights[:, nearest] > 0
    for row in np.flatnonzero(weights.any(axis=1) & ~masks.any(axis=1)):
        masks[row, np.abs(nearest - int(weights[row].argmax())).argmin()] = True
    return masks


def _parts(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for begin in range(0, len(rows), SPANS_PER_BATCH):
        yield rows[begin : begin + SPANS_PER_BATCH]
