"""Several encoders side by side: their embeddings in one unit vector."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from diarspk.audio import SAMPLE_RATE, load_audio
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.encoders.base import Embedding, FrameEmbeddings, Span, SpeakerEncoder
from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    import torch

    from diarspk.audio import Audio

__all__ = ["ConcatenatedEncoder"]


class ConcatenatedEncoder(SpeakerEncoder):
    """Embeddings of several encoders of any kind, one after the other in one unit vector.

    All have the same weight: the cosine of two is the mean of the cosines in the single spaces.

    Parameters
    ----------
    encoders
        Two or more, whose order counts. Frames are those of the first; each of the others gives
        the frame that is nearest in time.

    Raises
    ------
    ArgumentError
        If there are fewer than two.
    """

    def __init__(self, encoders: Sequence[SpeakerEncoder]) -> None:
        if len(encoders) < 2:
            raise ArgumentError(f"`encoders` must be two or more, got {len(encoders)}")
        self.encoders = tuple(encoders)
        self.name = " + ".join(one.name or type(one).__name__ for one in encoders)

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz at which audio is read, before each encoder brings it to its own."""
        return SAMPLE_RATE

    @property
    def dimension(self) -> int:
        """Number of dimensions of an embedding: those of all."""
        return sum(one.dimension for one in self.encoders)

    @property
    def frame_hop(self) -> float:
        """Seconds from one frame embedding to the next: those of the first encoder."""
        return self.encoders[0].frame_hop

    @property
    def fingerprint(self) -> str:
        """Digest that identifies the embedding space."""
        parts = " ".join(["concatenated", *(one.fingerprint for one in self.encoders)])
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    @property
    def device(self) -> torch.device:
        """Device that the networks of the first encoder are on."""
        return self.encoders[0].device

    def to(self, device: str | torch.device) -> ConcatenatedEncoder:
        """See :meth:`SpeakerEncoder.to`."""
        for one in self.encoders:
            one.to(device)
        return self

    def embed(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        spans: Sequence[Span] | None = None,
        *,
        channel: int | None = None,
    ) -> Embedding:
        """See :meth:`SpeakerEncoder.embed`."""
        samples = load_audio(audio, sample_rate, channel=channel)
        return self._join([one.embed(samples, SAMPLE_RATE, spans) for one in self.encoders])

    def embed_batch(self, batch: Sequence[Audio], sample_rate: int | None = None) -> Embedding:
        """See :meth:`SpeakerEncoder.embed_batch`."""
        samples = [load_audio(audio, sample_rate) for audio in batch]
        return self._join([one.embed_batch(samples, SAMPLE_RATE) for one in self.encoders])

    def embed_frames(
        self, audio: Audio, sample_rate: int | None = None, *, channel: int | None = None
    ) -> FrameEmbeddings:
        """See :meth:`SpeakerEncoder.embed_frames`."""
        samples = load_audio(audio, sample_rate, channel=channel)
        first, *others = (one.embed_frames(samples, SAMPLE_RATE) for one in self.encoders)
        beside = [frames.aligned_to(first) for frames in others]
        return FrameEmbeddings(self._join([first.data, *beside]), first.hop, first.start)

    def _join(self, parts: Sequence[Embedding]) -> Embedding:
        """Join unit vectors ``(..., dim)`` of every encoder."""
        joined = np.concatenate(parts, axis=-1)
        return normalize_rows(joined.reshape(-1, self.dimension)).reshape(joined.shape)
