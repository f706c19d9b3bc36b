"""Two encoders side by side: the trunk, and another whose frames are pooled, in one vector."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.encoders.base import Embedding, FrameEmbeddings, Span, SpeakerEncoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.pooled import PooledEncoder

if TYPE_CHECKING:
    import torch

    from diarspk.audio import Audio

__all__ = ["FusedEncoder"]


class FusedEncoder(SpeakerEncoder):
    """Embeddings of a trunk and of another encoder, one after the other in one unit vector.

    The cosine of two is the weighted mean of the cosines in both spaces. What the encoders get
    wrong is not the same, so that the mean is wrong less often than either.

    Parameters
    ----------
    trunk
        The embedded encoder, which a diarizer runs in any case.
    other
        Any whose embeddings are pooled from frames.
    share
        Weight of the other's cosine, between 0 and 1.
    name
        What a person calls it.
    """

    def __init__(
        self, trunk: LocalEncoder, other: PooledEncoder, share: float = 0.5, *, name: str = ""
    ) -> None:
        self.trunk, self.other, self.share, self.name = trunk, other, share, name

    @property
    def sample_rate(self) -> int:
        """Sample rate of the trunk's input in Hz."""
        return self.trunk.sample_rate

    @property
    def dimension(self) -> int:
        """Number of dimensions of an embedding: those of both."""
        return self.other.dimension + self.trunk.dimension

    @property
    def frame_hop(self) -> float:
        """Seconds from one frame embedding to the next: those of the trunk."""
        return self.trunk.frame_hop

    @property
    def fingerprint(self) -> str:
        """Digest that identifies the embedding space."""
        parts = f"fused {self.other.fingerprint} {self.trunk.fingerprint} {self.share!r}"
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    @property
    def device(self) -> torch.device:
        """Device that the networks are on."""
        return self.trunk.device

    def to(self, device: str | torch.device) -> FusedEncoder:
        """See :meth:`SpeakerEncoder.to`."""
        self.trunk.to(device)
        self.other.to(device)
        return self

    def join(self, other: Embedding, trunk: Embedding) -> Embedding:
        """Join unit vectors ``(..., dim)`` of both encoders; zero where both are."""
        weights = np.sqrt(np.array([self.share, 1.0 - self.share], np.float32))
        return np.concatenate([weights[0] * other, weights[1] * trunk], axis=-1)

    def embed(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        spans: Sequence[Span] | None = None,
        *,
        channel: int | None = None,
    ) -> Embedding:
        """See :meth:`SpeakerEncoder.embed`."""
        samples = self._load(audio, sample_rate, channel)
        rate = self.sample_rate
        return self.join(*(one.embed(samples, rate, spans) for one in (self.other, self.trunk)))

    def embed_batch(self, batch: Sequence[Audio], sample_rate: int | None = None) -> Embedding:
        """See :meth:`SpeakerEncoder.embed_batch`."""
        samples = [self._load(audio, sample_rate, None) for audio in batch]
        rate = self.sample_rate
        return self.join(*(one.embed_batch(samples, rate) for one in (self.other, self.trunk)))

    def embed_frames(
        self, audio: Audio, sample_rate: int | None = None, *, channel: int | None = None
    ) -> FrameEmbeddings:
        """See :meth:`SpeakerEncoder.embed_frames`; the other's frame that is nearest in time."""
        samples = self._load(audio, sample_rate, channel)
        own = self.trunk.embed_frames(samples, self.sample_rate)
        beside = self.other.embed_frames(samples, self.sample_rate)
        return FrameEmbeddings(self.join(beside.aligned_to(own), own.data), own.hop, own.start)

    def _load(
        self, audio: Audio, sample_rate: int | None, channel: int | None
    ) -> NDArray[np.float32]:
        from diarspk.audio import load_audio

        return load_audio(audio, sample_rate, channel=channel)
