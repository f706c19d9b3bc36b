"""The interface of segmenters, and the segmenter on the embedded trunk."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.precision import multiply_in
from diarspk.errors import ModelError
from diarspk.segmentation.segmentation_head import SegmentationHead

if TYPE_CHECKING:
    from typing_extensions import Self

    from diarspk.audio import AudioStream
    from diarspk.segmentation.windows import WindowGrid

__all__ = ["EmbeddedSegmenter", "Segmentation", "Segmenter", "SteppedWindows"]

LONG_RECORDING_S = 600.0
"""Recordings of this duration or more have the longer step."""


class Segmentation(Protocol):
    """Local speakers of one recording, given out window by window."""

    def __call__(self, frames: Tensor, first: NDArray[np.int64]) -> NDArray[np.float32]:
        """Probability that each local speaker talks: ``(windows, frames, speakers)``.

        Parameters
        ----------
        frames
            Trunk frames of a batch of windows, ``(windows, frames, channels)``.
        first
            First frame of each window in the recording, ``(windows,)``.
        """
        ...


class Segmenter(Protocol):
    """Finds the local speakers of overlapping windows.

    A segmenter holds a model and its settings and nothing of any recording, so threads may share
    one: what belongs to a recording is in the :class:`Segmentation` that :meth:`segment` returns.

    Attributes
    ----------
    window_s, step_s : float
        Seconds of a window, and from one window to the next.
    speakers : int
        Maximum number of local speakers in a window.
    """

    window_s: float
    step_s: float
    speakers: int

    def segment(
        self, stream: AudioStream | None, windows: WindowGrid, trunk: LocalEncoder
    ) -> Segmentation:
        """Prepare the segmentation of one recording.

        Parameters
        ----------
        stream
            The recording, for segmenters that read audio; None where there are only trunk frames.
        windows
            Windows that will be asked for.
        trunk
            The encoder whose frames they are made of.

        Raises
        ------
        ModelError
            If the segmenter cannot read frames of that encoder.
        """
        ...

    def halved(self) -> Segmenter:
        """Return the same segmenter with windows and steps half as long."""
        ...

    def suited_to(self, duration: float) -> Segmenter:
        """Return the same segmenter with the step for a recording of so many seconds."""
        ...


class SteppedWindows:
    """Windows of a :class:`Segmenter` whose step does not depend on the recording."""

    window_s: float
    step_s: float

    def halved(self) -> Self:
        """See :class:`Segmenter`."""
        other = copy(self)
        other.window_s, other.step_s = self.window_s / 2, self.step_s / 2
        return other

    def suited_to(self, duration: float) -> Self:
        """Return the same: the step is the caller's choice."""
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}(window_s={self.window_s}, step_s={self.step_s})"


class EmbeddedSegmenter(SteppedWindows):
    """The embedded segmentation head, which reads the trunk's frames.

    With the shorter step it costs half as much again as the trunk. The longer one changes next to
    nothing in a long recording, but in one of half a minute every view of a frame counts.

    Parameters
    ----------
    head
        The network.
    window_s
        Seconds of a window. Default: those that the head was trained on.
    step_s
        Seconds from one window to the next.
    long_step_s
        The same in recordings of ten minutes or more.
    trunk
        Fingerprint of the encoder whose frames the head was trained on, where that is known: it
        cannot read those of another.
    """

    def __init__(
        self,
        head: SegmentationHead,
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

    def segment(
        self, stream: AudioStream | None, windows: WindowGrid, trunk: LocalEncoder
    ) -> Segmentation:
        """See :class:`Segmenter`; nothing is computed before the frames are there."""
        if self.trunk not in ("", trunk.fingerprint):
            raise ModelError(
                f"the segmentation head is of the encoder {self.trunk}, the frames are of "
                f"{trunk.fingerprint}; take the head of the same model, or another segmentation"
            )
        return self.local_speakers

    def to(self, device: torch.device) -> Self:
        """Move the network to a device, in place, where the frames must be, too."""
        self.head.to(device)
        return self

    def halved(self) -> Self:
        """See :class:`Segmenter`."""
        other = super().halved()
        other.long_step_s = self.long_step_s / 2
        return other

    def suited_to(self, duration: float) -> Self:
        """See :class:`Segmenter`."""
        if duration < LONG_RECORDING_S:
            return self
        other = copy(self)
        other.step_s = self.long_step_s
        return other

    @torch.inference_mode()
    def local_speakers(self, frames: Tensor, first: NDArray[np.int64]) -> NDArray[np.float32]:
        """See :class:`Segmentation`; it depends on the frames alone."""
        logits = self.head(frames).float()
        with multiply_in("single", logits.device):  # sums of probabilities must not be rounded
            return self.head.powerset.marginals(logits.softmax(-1)).numpy(force=True)
