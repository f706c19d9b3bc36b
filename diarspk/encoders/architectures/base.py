"""Interface of speaker embedding networks: encode frames, pool them, project the statistics."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from diarspk.encoders.architectures.masking import Mask
from diarspk.encoders.architectures.pooling.statistics import Pooling

__all__ = ["Architecture"]


class Architecture(nn.Module, ABC):
    """Network from features, or a waveform, to one embedding.

    In evaluation mode the output of an item does not depend on the padding of its batch. (In
    training, batch norm takes its statistics over padding too: crop batches to one length.)

    Attributes
    ----------
    dimension : int
        Number of dimensions of an embedding.
    stride : int
        Input frames, or samples of a waveform, per frame of :meth:`encode`.
    minimum : int
        Minimum length of an item in input frames.
    offset : int
        Input frame that the first frame of :meth:`encode` is centred on.
    local : bool
        Whether the receptive field of a frame of :meth:`encode` is bounded. Frames of one speaker
        can then be pooled out of audio in which others talk too; where attention or a mean over the
        whole utterance mixes the speakers, their audio has to be cut out.
    pool : Pooling
        Frame features to ``(batch, statistics)``.
    """

    dimension: int
    stride: int = 1
    minimum: int = 1
    offset: int = 0
    local: bool = False
    pool: Pooling

    @abstractmethod
    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """Compute frame features.

        Parameters
        ----------
        features
            ``(batch, frames, mels)``, or a waveform ``(batch, time)``.
        mask
            ``(batch, frames)`` or ``(batch, time)``: true on valid input.

        Returns
        -------
        (Tensor, Mask)
            ``(batch, frames', channels)``, and the mask of its frames.
        """

    @abstractmethod
    def project(self, pooled: Tensor) -> Tensor:
        """Project statistics to embeddings ``(batch, dimension)``, not normalised."""

    def forward(self, features: Tensor, mask: Mask = None) -> Tensor:
        """Compute embeddings ``(batch, dimension)``, not normalised."""
        frames, mask = self.encode(features, mask)
        return self.project(self.pool(frames, mask))
