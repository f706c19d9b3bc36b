"""The one shape of all speaker embedding networks: encode frames, pool them, project."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from diarspk.encoders.architectures.masking import Mask
from diarspk.encoders.architectures.pooling.statistics import Pooling

__all__ = ["Architecture"]


class Architecture(nn.Module, ABC):
    """Features (or a waveform) to one embedding, by way of frame features.

    In evaluation mode padding changes nothing: an item's outputs are those it would have alone.
    (In training a batch norm takes its statistics over padding too: crop batches to one length.)

    Attributes
    ----------
    dimension : int
        Length of an embedding.
    stride : int
        Inputs (feature frames, or samples of a waveform) per frame of :meth:`encode`.
    minimum : int
        Least number of inputs that an item must have.
    offset : int
        Inputs from the first to the one that the first frame of :meth:`encode` is centred on.
    local : bool
        Whether a frame of :meth:`encode` depends on inputs near it alone. Frames of one speaker
        can then be pooled out of audio in which others talk too; where an attention or a mean over
        the whole utterance mixes the speakers, their audio has to be cut out.
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
        """Frame features of ``(batch, frames, mels)``, or of a waveform ``(batch, time)``.

        Parameters
        ----------
        features
            Input of the network.
        mask
            ``(batch, frames)`` or ``(batch, time)``: true on an item's own inputs.

        Returns
        -------
        (Tensor, Mask)
            ``(batch, frames', channels)``, and the mask of its frames.
        """

    @abstractmethod
    def project(self, pooled: Tensor) -> Tensor:
        """Embeddings ``(batch, dimension)`` of pooled frames; not normalised."""

    def forward(self, features: Tensor, mask: Mask = None) -> Tensor:
        """Embeddings ``(batch, dimension)``, not normalised."""
        frames, mask = self.encode(features, mask)
        return self.project(self.pool(frames, mask))
