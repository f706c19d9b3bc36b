"""What the last ten seconds of a session look like: local speakers, and embeddings of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.diarization.first_pass import solo_weights
from diarspk.diarization.local_speakers import ACTIVE
from diarspk.diarization.subsegments import LENGTH_S, MIN_DURATION_S, STEP_S
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.precision import Precision, multiply_in
from diarspk.errors import ArgumentError
from diarspk.segmentation.segmenter import EmbeddedSegmenter

if TYPE_CHECKING:
    from diarspk.diarization.diarizer import Diarizer

__all__ = ["WindowReader", "WindowView", "streaming_segmenter"]


@dataclass(frozen=True, eq=False)
class WindowView:
    """Local speakers of a window.

    Attributes
    ----------
    first : int
        First trunk frame of the window in the stretch.
    activity : NDArray of float32, shape (frames, speakers)
        Probability that each local speaker talks.
    centre : NDArray of int64, shape (n,)
        Frame of the stretch in the middle of each subsegment, rising for each local speaker.
    owner : NDArray of int64, shape (n,)
        Local speaker that the subsegment is of.
    seconds : NDArray of float64, shape (n,)
        Speech behind its embedding, of that speaker alone.
    embeddings : NDArray of float32, shape (n, dim)
        Unit vectors.
    """

    first: int
    activity: NDArray[np.float32]
    centre: NDArray[np.int64]
    owner: NDArray[np.int64]
    seconds: NDArray[np.float64]
    embeddings: NDArray[np.float32]

    @property
    def talking(self) -> NDArray[np.int64]:
        """Local speakers who talk."""
        return np.flatnonzero((self.activity > ACTIVE).any(axis=0))


class WindowReader:
    """Reads a window of trunk frames: segmentation, and subsegments of its local speakers.

    Parameters
    ----------
    trunk, segmenter
        The networks.
    precision
        Their numerical precision.
    """

    def __init__(
        self, trunk: LocalEncoder, segmenter: EmbeddedSegmenter, precision: Precision
    ) -> None:
        self.trunk, self.segmenter, self.precision = trunk, segmenter, precision
        self.step = max(round(STEP_S / trunk.frame_hop), 1)

    @property
    def length(self) -> int:
        """Trunk frames of a window."""
        return round(self.segmenter.window_s / self.trunk.frame_hop)

    def read(self, frames: Tensor, moments: Tensor, first: int) -> WindowView:
        """Read the window ``(frames, channels)`` that begins at the frame `first`.

        Parameters
        ----------
        frames, moments, first
            Trunk frames, the pooling moments ``(frames, heads, sums)`` of each, and the number of
            the first one in the stretch.
        """
        activity = self.segment(frames, first)
        hop = self.trunk.frame_hop
        solo = solo_weights(activity[None], hop)[0]  # (frames, speakers)
        centres = np.arange(-(-first // self.step) * self.step, first + len(frames), self.step)
        distance = np.abs(np.arange(first, first + len(frames)) - centres[:, None])
        near = distance * hop <= LENGTH_S / 2  # (subsegments, frames)
        weights = (near[None] & (solo.T > 0)[:, None]).reshape(-1, len(frames))
        seconds = weights.sum(1) * hop
        chosen = np.flatnonzero(seconds >= MIN_DURATION_S)
        return WindowView(
            first,
            activity,
            np.tile(centres, solo.shape[1])[chosen],
            np.repeat(np.arange(solo.shape[1]), len(centres))[chosen],
            seconds[chosen],
            self.embed(moments, weights[chosen].astype(np.float32)),
        )

    def segment(self, frames: Tensor, first: int) -> NDArray[np.float32]:
        """Probability ``(frames, speakers)`` that each local speaker of the window talks."""
        with multiply_in(self.precision, frames.device):
            return self.segmenter.local_speakers(frames[None], np.array([first]))[0]

    @torch.inference_mode()
    def embed(self, moments: Tensor, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed spans of a window: ``weights (n, frames)`` -> unit vectors ``(n, dim)``."""
        if not len(weights):
            return np.zeros((0, self.trunk.dimension), np.float32)
        pooled = torch.from_numpy(weights).to(moments.device) @ moments.flatten(1)
        pooled = pooled.view(-1, *moments.shape[1:])
        embeddings = self.trunk.network.utterance.embed_moments(pooled[None])[0]
        return nn.functional.normalize(embeddings, dim=-1).numpy(force=True)


def streaming_segmenter(diarizer: Diarizer) -> EmbeddedSegmenter:
    """Segmenter of a diarizer that can stream.

    Raises
    ------
    ArgumentError
        If its encoder or its segmentation reads audio, and not trunk frames.
    """
    segmenter, encoder = diarizer.models.segmenter, diarizer.models.encoder
    fault = "must be the embedded one, whose frames come in a stream, got"
    if encoder is not None:
        raise ArgumentError(f"`encoder` {fault} {encoder!r}; leave `encoder` out")
    if not isinstance(segmenter, EmbeddedSegmenter):
        raise ArgumentError(f"`segmentation` {fault} {segmenter!r}; leave `segmentation` out")
    return segmenter
