"""Tracks: what is computed from every frame of the trunk while it streams by."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diarspk.diarization.local_speakers import FRAME_EMBEDDING_STEP
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.frame_head import FrameHead, FrameStream
from diarspk.segmentation.target_speaker_vad import TargetSpeakerVadHead

__all__ = ["FrameEmbeddingTrack", "Track", "VadFeatureTrack"]


class Track(Protocol):
    """Consumer of every frame of the trunk."""

    def push(self, frames: Tensor, moments: Tensor) -> None:
        """Take in the next frames ``(n, channels)``, and the pooling moments of each."""
        ...


class FrameEmbeddingTrack:
    """Frame embeddings, every sixth frame, of a recording of so many trunk frames."""

    def __init__(self, trunk: LocalEncoder, head: FrameHead, frames: int) -> None:
        self._stream = FrameStream(head, trunk.network.utterance, FRAME_EMBEDDING_STEP)
        self._vectors = np.empty((-(-frames // FRAME_EMBEDDING_STEP), trunk.dimension), np.float16)
        self._count = 0

    def push(self, frames: Tensor, moments: Tensor) -> None:
        """See :class:`Track`."""
        self._store(self._stream.push(frames, moments))

    def finish(self) -> NDArray[np.float16]:
        """Return the frame embeddings of the whole recording, ``(n, dim)``."""
        self._store(self._stream.flush())
        return self._vectors

    def _store(self, vectors: Tensor) -> None:
        self._vectors[self._count : self._count + len(vectors)] = vectors.numpy(force=True)
        self._count += len(vectors)


class VadFeatureTrack:
    """TS-VAD features, in half precision, of a recording of so many trunk frames."""

    def __init__(self, head: TargetSpeakerVadHead, frames: int) -> None:
        self._head = head
        self._features = np.empty((frames, head.config.channels), np.float16)
        self._count = 0

    def push(self, frames: Tensor, moments: Tensor) -> None:
        """See :class:`Track`."""
        rows = slice(self._count, self._count + len(frames))
        self._features[rows] = self._head.features(frames).half().numpy(force=True)
        self._count = rows.stop

    def finish(self) -> NDArray[np.float16]:
        """Return the features of the whole recording, ``(frames, channels)``."""
        return self._features
