"""Encoders of clips: spans are cut out and embedded in batches that fit into memory."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_numbers
from diarspk.audio import Audio, load_audio
from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.encoders.base import Embedding, FrameEmbeddings, Span, SpeakerEncoder, check_spans

__all__ = ["ClipEncoder", "Waveform", "WindowConfig"]

Waveform = NDArray[np.float32]


@dataclass(frozen=True)
class WindowConfig:
    """Windowing of a recording for a network that embeds whole utterances; all in seconds.

    Attributes
    ----------
    window : float
        Length of the window of a frame embedding.
    hop : float
        Hop between frame embeddings.
    longest : float
        Maximum length of a forward pass; the embedding of a longer span is the mean over equal
        parts.
    batch : float
        Audio in one batch, padding included; this bounds the memory.
    """

    window: float = 1.5
    hop: float = 0.08
    longest: float = 60.0
    batch: float = 120.0

    def __post_init__(self) -> None:
        """Check the settings."""
        check_numbers(self, "window", "hop", "longest", "batch", above=0.0)


class ClipEncoder(SpeakerEncoder):
    """Base of encoders that embed each span as if it were a recording of its own."""

    config: WindowConfig

    @abstractmethod
    def embed_parts(self, parts: Sequence[Waveform]) -> Embedding:
        """Embed waveforms no longer than ``config.longest``: unit vectors ``(n, dim)``."""

    @property
    def frame_hop(self) -> float:
        """Seconds from one frame embedding to the next."""
        return self.config.hop

    def embed(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        spans: Sequence[Span] | None = None,
        *,
        channel: int | None = None,
    ) -> Embedding:
        """See :meth:`SpeakerEncoder.embed`."""
        waveform = load_audio(audio, sample_rate, channel=channel)
        if spans is None:
            return self._embed_clips([waveform])[0]
        checked = check_spans(spans, len(waveform) / self.sample_rate)
        return self._embed_clips([self._cut(waveform, span) for span in checked])

    def embed_batch(self, batch: Sequence[Audio], sample_rate: int | None = None) -> Embedding:
        """See :meth:`SpeakerEncoder.embed_batch`."""
        return self._embed_clips([load_audio(audio, sample_rate) for audio in batch])

    def embed_frames(
        self, audio: Audio, sample_rate: int | None = None, *, channel: int | None = None
    ) -> FrameEmbeddings:
        """Embed a window every ``frame_hop`` seconds, truncated at both ends of the recording."""
        waveform = load_audio(audio, sample_rate, channel=channel)
        hop, half = self.config.hop, self.config.window / 2
        duration = len(waveform) / self.sample_rate
        centres = (np.arange(math.ceil(duration / hop)) + 0.5) * hop
        spans = [(max(centre - half, 0.0), min(centre + half, duration)) for centre in centres]
        clips = [self._cut(waveform, span) for span in spans]
        return FrameEmbeddings(self._embed_clips(clips), hop, hop / 2)

    def _cut(self, waveform: Waveform, span: Span) -> Waveform:
        start, end = span
        first = min(round(start * self.sample_rate), len(waveform) - 1)
        last = max(round(end * self.sample_rate), first + 1)
        return waveform[first:last]

    def _embed_clips(self, clips: Sequence[Waveform]) -> Embedding:
        """Embed waveforms of any lengths: unit vectors ``(n, dim)``."""
        parts = [self._parts(clip) for clip in clips]
        embeddings = self.embed_parts([part for clip in parts for part in clip])
        result = np.zeros((len(clips), self.dimension), np.float32)
        first = 0
        for row, clip in zip(result, parts, strict=True):
            total = embeddings[first : first + len(clip)].sum(axis=0)
            row[:] = unit_vector(total)
            first += len(clip)
        return result

    def _parts(self, clip: Waveform) -> list[Waveform]:
        """Split a clip into equal parts no longer than ``config.longest``."""
        count = math.ceil(len(clip) / (self.config.longest * self.sample_rate))
        return np.array_split(clip, max(count, 1))

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Batch the indices of clips by length, so that little of a batch is padding."""
        limit = self.config.batch * self.sample_rate
        batch: list[int] = []
        for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
            if batch and (len(batch) + 1) * lengths[index] > limit:
                yield batch
                batch = []
            batch.append(index)
        if batch:
            yield batch
