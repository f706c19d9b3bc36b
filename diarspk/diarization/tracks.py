"""Tracks: what is computed from every frame of the trunk while it streams by."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.frame_head import FrameStream
from diarspk.segmentation.target_speaker_vad import TargetActivityHead

__all__ = ["VOICE_STEP", "EvidenceTrack", "Track", "VoiceTrack"]

VOICE_STEP = 6
"""Frames from one vector of the frame head to the next: a quarter of a second."""


class Track(Protocol):
    """What is made of every frame of the trunk while it passes by."""

    def push(self, frames: Tensor, moments: Tensor) -> None:
        """Take in the next frames ``(n, channels)``, and the moments of each."""
        ...


class EvidenceTrack:
    """What a target activity head reads of ``total`` frames, in half precision."""

    def __init__(self, head: TargetActivityHead, total: int) -> None:
        self.head = head
        self.found = np.empty((total, head.config.channels), np.float16)
        self._count = 0

    def push(self, frames: Tensor, moments: Tensor) -> None:
        """See :class:`Track`."""
        rows = slice(self._count, self._count + len(frames))
        self.found[rows] = self.head.listen(frames).half().numpy()
        self._count = rows.stop


class VoiceTrack:
    """Vectors of the frame head, every sixth frame, while the trunk passes by ``total`` frames."""

    def __init__(self, trunk: LocalEncoder, total: int) -> None:
        assert trunk.frame_head is not None
        self._stream = FrameStream(trunk.frame_head, trunk.network.utterance, VOICE_STEP)
        self._vectors = np.empty((-(-total // VOICE_STEP), trunk.dimension), np.float16)
        self._count = 0

    def push(self, frames: Tensor, moments: Tensor) -> None:
        """See :class:`Track`."""
        self._keep(self._stream.push(frames, moments))

    def finish(self) -> NDArray[np.float16]:
        """Give out the vectors of the whole recording, ``(n, dim)``."""
        self._keep(self._stream.flush())
        return self._vectors

    def _keep(self, vectors: Tensor) -> None:
        self._vectors[self._count : self._count + len(vectors)] = vectors.numpy()
        self._count += len(vectors)
