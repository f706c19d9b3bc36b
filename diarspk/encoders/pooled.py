"""Interface of encoders whose embeddings are pooled from frames: one pass serves any spans."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diarspk.encoders.base import Embedding, SpeakerEncoder

__all__ = ["PooledEncoder"]


class PooledEncoder(SpeakerEncoder):
    """Encoder that computes frames of a stretch of audio once, and pools them for any spans.

    The frames of a network with attention, or a mean over the utterance, depend a little on what
    else is in the stretch; those of a purely convolutional one do not.
    """

    @property
    @abstractmethod
    def frame_hop_samples(self) -> int:
        """Samples, at :attr:`sample_rate`, from one frame to the next."""

    @property
    @abstractmethod
    def first_frame_sample(self) -> int:
        """Sample that the first frame of a stretch is centred on."""

    @abstractmethod
    def encode_stretch(self, samples: NDArray[np.float32]) -> Tensor:
        """Compute the frames of audio ``(time,)``: ``(frames, channels)``."""

    @abstractmethod
    def pool_frames(self, frames: Tensor, masks: Tensor) -> Embedding:
        """Pool the frames of spans into embeddings.

        Parameters
        ----------
        frames
            ``(spans, frames, channels)``.
        masks
            ``(spans, frames)``, boolean; a frame or more of each span.

        Returns
        -------
        ndarray of float32, ``(spans, dim)``
            Unit vectors.
        """
