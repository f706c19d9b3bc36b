"""The one interface of whatever tells speech from silence and the speakers of a window apart."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.audio import AudioStream
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.precision import multiply_in
from diarspk.errors import ModelError
from diarspk.segmentation.activity import ActivityHead

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ActivitySegmenter", "Segmenter", "SteppedWindows"]


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

    def suited_to(self, duration: float) -> Segmenter:
        """Choose the steps for a recording of so many seconds."""
        ...

    def __call__(self, frames: Tensor, first: NDArray[np.int64]) -> NDArray[np.float32]:
        """Probability that each local speaker talks: ``(windows, frames, speakers)``.

        Parameters
        ----------
        frames
            Trunk frames of a batch of windows, ``(windows, frames, channels)``.
        first
            Number of each window's first frame in the recording, ``(windows,)``.
        """
        ...


class SteppedWindows:
    """What a :class:`Segmenter` does with its windows, where nothing else is to be heeded."""

    window_s: float
    step_s: float

    def halved(self) -> Self:
        """See :class:`Segmenter`."""
        other = copy(self)
        other.window_s, other.step_s = self.window_s / 2, self.step_s / 2
        return other

    def suited_to(self, duration: float) -> Self:
        """Return the same: the steps are the caller's choice."""
        return self


LONG_S = 600.0
"""Recordings from here on have the longer steps."""


class ActivitySegmenter(SteppedWindows):
    """The embedded activity head, which reads the trunk's frames.

    With the shorter steps it costs half as much again as the trunk. Longer ones change next to
    nothing in a long recording (on eight of 15 minutes, 19.8 % DER instead of 19.6), but in one of
    half a minute every view of a frame counts.

    Parameters
    ----------
    head
        The network.
    window_s, step_s
        Seconds of a window (those of its training where they are left out), and between windows.
    long_step_s
        Seconds between the windows of a recording of ten minutes or more.
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
        long_step_s: float = 5.0,
        trunk: str = "",
    ) -> None:
        self.head = head.eval()
        self.trunk = trunk
        self.window_s = window_s or head.config.window_s
        self.step_s, self.long_step_s = step_s, long_step_s
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

    def halved(self) -> Self:
        """See :class:`Segmenter`."""
        other = super().halved()
        other.long_step_s = self.long_step_s / 2
        return other

    def suited_to(self, duration: float) -> Self:
        """See :class:`Segmenter`."""
        if duration < LONG_S:
            return self
        other = copy(self)
        other.step_s = self.long_step_s
        return other

    @torch.inference_mode()
    def __call__(self, frames: Tensor, first: NDArray[np.int64]) -> NDArray[np.float32]:
        """See :class:`Segmenter`."""
        logits = self.head(frames).float()
        with multiply_in("single"):  # sums of probabilities are not to be rounded
            return self.head.powerset.marginals(logits.softmax(-1)).numpy()
