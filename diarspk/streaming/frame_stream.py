"""Trunk frames of a session: exact where all of their context is there, and the best until then.

The trunk sees 2.6 s ahead. Frames whose future is not there yet are computed as those at the end of
a recording are, and again with every step, until they are exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.audio.source import Samples
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.precision import Precision, multiply_in
from diarspk.features.level import clip_features
from diarspk.streaming.running_level import RunningLevel

__all__ = ["FrameStream"]


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
        self.clear()

    def clear(self) -> None:
        """Forget what was received, but not how loud it was."""
        self.rest: Samples = np.zeros(0, np.float32)  # that the next feature frame still needs
        self.features: NDArray[np.float16] = np.zeros((0, 0), np.float16)  # the last ones
        self.frames, self.moments = torch.zeros(0), torch.zeros(0)  # the last ones
        self.count = 0  # trunk frames since the start, with the last one, which may be in part
        self.feature_count = 0

    @torch.inference_mode()
    def push(self, samples: Samples) -> None:
        """Take in the next samples at 16 kHz, and compute the frames that they change."""
        config, trunk = self.trunk.network.config.trunk, self.trunk.network.trunk
        stride, context = config.stride, config.context
        self._extract(samples)
        before, self.count = self.count, -(-self.feature_count // stride)
        if not self.feature_count:
            return
        # The frames that convolutions reach from the new ones change, and see as many before them.
        reach = config.convolution_context
        first = max(before - reach, 0)
        start = max(first - reach, 0)
        lead = max(start - (context - reach), 0)
        held = self.feature_count - len(self.features)  # number of the first feature frame
        part = torch.from_numpy(self.features[lead * stride - held :].astype(np.float32))
        part = clip_features(part - self.level.level)[None]
        part = part.to(self.trunk.device)
        with multiply_in(self.precision, part.device):
            frames = trunk(part, lead=(start - lead) * stride)[0].float()[first - start :]
            moments = self.trunk.network.utterance.frame_moments(frames[None])[0]
        exact = max(len(self.frames) - (before - first), 0)
        self.frames = _joined(self.frames[:exact], frames)[-self.length :]
        self.moments = _joined(self.moments[:exact], moments)[-self.length :]

    def _extract(self, samples: Samples) -> None:
        """Compute the log-mel features of the samples."""
        config = self.trunk.log_mel.config
        length, shift = config.frame_length_samples, config.frame_shift_samples
        self.rest = np.concatenate([self.rest, samples])
        count = max(1 + (len(self.rest) - length) // shift, 0)
        if not count:
            return
        used = self.rest[: (count - 1) * shift + length].copy()
        self.rest = self.rest[count * shift :]
        features = self.trunk.log_mel(torch.from_numpy(used).to(self.trunk.device)[None])[0]
        self.level.push(features.exp().mean(-1).double().numpy(force=True))
        stored = features.half().numpy(force=True)
        self.features = np.concatenate([self.features, stored]) if len(self.features) else stored
        self.feature_count += count
        trunk = self.trunk.network.config.trunk
        # As many as any frame that is computed again sees, on the grid of trunk frames.
        keep = (2 * trunk.context + 2) * trunk.stride + self.feature_count % trunk.stride
        self.features = self.features[-keep - count :]

    def state(self) -> dict[str, Any]:
        """Return what a session goes on from."""
        return {
            "rest": self.rest,
            "features": self.features,
            "frames": self.frames.numpy(force=True),
            "moments": self.moments.numpy(force=True),
            "count": self.count,
            "feature_count": self.feature_count,
            "level": self.level.level,
            "powers": self.level.powers,
            "pause": self.level.pause,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        for name in ("rest", "features", "count", "feature_count"):
            setattr(self, name, state[name])
        self.frames, self.moments = (
            torch.from_numpy(state[k]).to(self.trunk.device) for k in ("frames", "moments")
        )
        level = self.level
        level.level, level.powers, level.pause = state["level"], state["powers"], state["pause"]


def _joined(held: Tensor, new: Tensor) -> Tensor:
    return torch.cat([held, new]) if len(held) else new
