"""The one interface of whatever tells speech from silence and the speakers of a window apart."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.audio import AudioStream
from diarspk.encoders.local import LocalEncoder
from diarspk.errors import ModelError
from diarspk.segmentation.activity import ActivityHead

__all__ = ["ActivitySegmenter", "Segmenter"]


class Segmenter(Protocol):
    """Local speakers of overlapping windows.

    Attributes
    ----------
    window_s, step_s : float
        Seconds of a window, and from one window to the next.
    speakers : int
        Local speakers that a window can hold.
    """

    window_s: float
    step_s: float
    speakers: int

    def prepare(self, stream: AudioStream, encoder: LocalEncoder, frames: int) -> None:
        """Hear the recording first, where the frames of the trunk are not enough."""

    def halved(self) -> Segmenter:
        """Make windows and steps half as long."""
        ...

    def __call__(self, frames: Tensor, first: NDArray[np.int64]) -> NDArray[np.float32]:
        """Probability that each local speaker talks: ``(windows, frames, speakers)``.

        Parameters
        ----------
        frames
            Trunk frames of a batch of windows, ``(windows, frames, width)``.
        first
            Number of each window's first frame in the recording, ``(windows,)``.
        """
        ...


class ActivitySegmenter:
    """The embedded activity head: it reads the trunk's frames, so it costs next to nothing.

    Parameters
    ----------
    head
        The network.
    window_s, step_s
        Seconds of a window (those of its training where they are left out), and between windows.
    trunk
        Fingerprint of the encoder whose frames it was trained on, where that is known: it cannot
        read those of another.
    """

    def __init__(
        self,
        head: ActivityHead,
        *,
        window_s: float | None = None,
        step_s: float = 2.5,
        trunk: str = "",
    ) -> None:
        self.head = head.eval()
        self.trunk = trunk
        self.window_s = window_s or head.config.window_s
        self.step_s = step_s
        self.speakers = head.config.speakers

    def prepare(self, stream: AudioStream, encoder: LocalEncoder, frames: int) -> None:
        """Nothing to hear; but the frames must be those that the head was trained on.

        Raises
        ------
        ModelError
            If they are of another encoder.
        """
        if self.trunk not in ("", encoder.fingerprint):
            raise ModelError(
                f"the activity head is of the encoder {self.trunk}, the frames are of "
                f"{encoder.fingerprint}; take the head of the same model, or another segmentation"
            )

    def halved(self) -> ActivitySegmenter:
        """See :class:`Segmenter`."""
        window_s, step_s = self.window_s / 2, self.step_s / 2
        return ActivitySegmenter(self.head, window_s=window_s, step_s=step_s, trunk=self.trunk)

    @torch.inference_mode()
    def __call__(self, frames: Tensor, first: NDArray[np.int64]) -> NDArray[np.float32]:
        """See :class:`Segmenter`."""
        probabilities = self.head(frames).softmax(-1)
        return self.head.powerset.marginals(probabilities).numpy()
