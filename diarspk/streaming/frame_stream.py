"""Trunk frames of a session: exact where all of their context is there, and the best until then.

The trunk's convolutions see 1.1 s ahead. Frames whose future is not there yet are computed as those
at the end of a recording are, and again with every step, until they are exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from diarspk.audio.source import Samples
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.trunk_stream import TrunkStream
from diarspk.encoders.precision import Precision, multiply_in
from diarspk.features.level import clip_features
from diarspk.streaming.running_level import RunningLevel

__all__ = ["FrameStream"]

MEAN_DELAY = 0
"""Feature frames after a frame before the mean that is subtracted from it is fixed."""


class FrameStream:
    """Trunk frames of the last seconds of a session, and their pooling moments.

    Parameters
    ----------
    trunk
        The encoder.
    length
        Trunk frames that are kept.
    precision
        Numerical precision of the networks.
    """

    def __init__(self, trunk: LocalEncoder, length: int, precision: Precision) -> None:
        self.trunk, self.length, self.precision = trunk, length, precision
        self.level = RunningLevel()
        self.stream = TrunkStream(trunk.network.trunk, MEAN_DELAY)
        self.clear()

    def clear(self) -> None:
        """Forget what was received, but not how loud it was."""
        self.rest: Samples = np.zeros(0, np.float32)  # that the next feature frame still needs
        self.stream.clear()
        self.frames, self.moments = torch.zeros(0), torch.zeros(0)  # the last ones
        self.count = 0  # trunk frames since the start, with the last one, which may be in part

    @torch.inference_mode()
    def push(self, samples: Samples) -> None:
        """Take in the next samples at 16 kHz, and compute the frames that they change."""
        features = self._extract(samples)
        if not features.shape[1]:
            return
        with multiply_in(self.precision, features.device):
            found = self.stream.push(clip_features(features - self.level.level))
            frames = found.frames.float()
            moments = self.trunk.network.utterance.frame_moments(frames)[0]
        replaced = self.count - found.first
        self.count = found.first + frames.shape[1]
        self.frames = _joined(self.frames, replaced, frames[0])[-self.length :]
        self.moments = _joined(self.moments, replaced, moments)[-self.length :]

    def _extract(self, samples: Samples) -> Tensor:
        """Compute the log-mel features ``(1, frames, mels)`` of the samples."""
        config = self.trunk.log_mel.config
        length, shift = config.frame_length_samples, config.frame_shift_samples
        self.rest = np.concatenate([self.rest, samples])
        count = max(1 + (len(self.rest) - length) // shift, 0)
        if not count:
            return torch.zeros(1, 0, 0)
        used = self.rest[: (count - 1) * shift + length].copy()
        self.rest = self.rest[count * shift :]
        features = self.trunk.log_mel(torch.from_numpy(used).to(self.trunk.device)[None])
        self.level.push(features[0].exp().mean(-1).double().numpy(force=True))
        return features

    def state(self) -> dict[str, Any]:
        """Return what a session goes on from."""
        return {
            "rest": self.rest,
            "trunk": self.stream.state(),
            "frames": self.frames.numpy(force=True),
            "moments": self.moments.numpy(force=True),
            "count": self.count,
            "level": self.level.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.rest, self.count = state["rest"], state["count"]
        self.stream.restore(state["trunk"])
        self.frames, self.moments = (
            torch.from_numpy(state[k]).to(self.trunk.device) for k in ("frames", "moments")
        )
        self.level.restore(state["level"])


def _joined(held: Tensor, replaced: int, new: Tensor) -> Tensor:
    """Put new rows in the place of the last ones, as many as are replaced, and after them."""
    return torch.cat([held[: len(held) - replaced], new]) if len(held) else new
