"""Base of the segmenters that read the recording itself, by a network of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ArgumentError
from diarspk.segmentation.segmenter import Segmentation, SteppedWindows

if TYPE_CHECKING:
    import torch
    from typing_extensions import Self

    from diarspk.audio import AudioStream
    from diarspk.encoders.local.encoder import LocalEncoder
    from diarspk.segmentation.windows import WindowGrid

__all__ = ["AudioSegmenter"]


class AudioSegmenter(SteppedWindows, ABC):
    """Segmenter whose frames are brought to those of the trunk by taking the nearest.

    Attributes
    ----------
    network : torch.nn.Module
    first_centre_samples : float
        Centre of the network's first frame, in samples from the start of a window.
    hop_samples : int
        Samples from one of its frames to the next.
    """

    network: Any
    first_centre_samples: ClassVar[float]
    hop_samples: ClassVar[int]

    def to(self, device: torch.device) -> Self:
        """Move the network to a device, in place."""
        self.network.to(device)
        return self

    def segment(
        self, stream: AudioStream | None, windows: WindowGrid, trunk: LocalEncoder
    ) -> Segmentation:
        """See :class:`diarspk.segmentation.segmenter.Segmenter`.

        Raises
        ------
        ArgumentError
            If there is no recording.
        """
        if stream is None:
            raise ArgumentError(
                f"`stream` must be the recording, which {type(self).__name__} reads; got None"
            )
        centre = (windows.start + windows.hop * np.arange(windows.length)) * SAMPLE_RATE
        nearest = np.round((centre - self.first_centre_samples) / self.hop_samples)
        return self.read(stream, windows, nearest.astype(np.int64))

    @abstractmethod
    def read(
        self, stream: AudioStream, windows: WindowGrid, nearest: NDArray[np.int64]
    ) -> Segmentation:
        """Prepare the segmentation of a recording.

        Parameters
        ----------
        nearest : NDArray of int64, shape (frames,)
            Frame of the network that is nearest to each frame of the trunk in a window; it may lie
            outside of those that the network has.
        """
