"""What encoders have in common whose network is an ONNX graph."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from diarspk.encoders.base import Embedding
from diarspk.encoders.clips import ClipEncoder, Waveform, WindowConfig

__all__ = ["SessionEncoder"]


class SessionEncoder(ClipEncoder):
    """A graph that onnxruntime runs; clips run one after the other, so that none is padded.

    Parameters
    ----------
    session
        From :func:`diarspk.encoders.onnx.sessions.open_session`.
    sample_rate
        Rate in Hz that audio is brought to.
    dimension
        Length of an embedding.
    fingerprint
        Identifies the embedding space.
    """

    def __init__(
        self,
        session: Any,
        *,
        sample_rate: int,
        dimension: int,
        fingerprint: str,
        config: WindowConfig | None = None,
    ) -> None:
        self.session = session
        self.config = config or WindowConfig()
        self._rate, self._dimension, self._fingerprint = sample_rate, dimension, fingerprint

    @property
    def sample_rate(self) -> int:
        """Rate in Hz that audio is brought to."""
        return self._rate

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self._dimension

    @property
    def fingerprint(self) -> str:
        """Identifies the embedding space."""
        return self._fingerprint

    @abstractmethod
    def embed_part(self, part: Waveform) -> Embedding:
        """Embed a waveform of any length: a unit vector ``(dim,)``."""

    def embed_parts(self, parts: Sequence[Waveform]) -> Embedding:
        """See :meth:`ClipEncoder.embed_parts`."""
        vectors = np.zeros((len(parts), self.dimension), np.float32)
        for row, part in zip(vectors, parts, strict=True):
            row[:] = self.embed_part(part)
        return vectors
