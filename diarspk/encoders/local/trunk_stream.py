"""The trunk over a stream: every layer keeps the frames of its input that it will read again.

A frame of a layer's output is exact once all input that it reads is there. Those after it are
computed as at the end of a recording is, and again when more has come. So no exact frame of any
layer is computed twice: a push costs what is new, and the right context of each layer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, cast

import torch
from torch import Tensor, nn

from diarspk.devices import device_of
from diarspk.encoders.local.trunk import (
    FrontStage,
    LocalTrunk,
    ResidualPair,
    TimeDelayLayer,
    sliding_mean,
    soften_floor,
    spectral_shape,
    stride_mean,
)

__all__ = ["Stretch", "TrunkStream"]

IMAGE, SEQUENCE = 2, 1
"""Axis of time: ``(1, channels, frames, mels)`` in the front, ``(1, frames, channels)`` after."""


class Stretch(NamedTuple):
    """Consecutive frames up to the last: the number of the first, and of the first not exact."""

    frames: Tensor
    first: int
    exact: int


class TrunkStream:
    """Trunk frames of one recording, from features that come piece by piece.

    Parameters
    ----------
    trunk
        Network, which may be shared: nothing of the recording is kept in it.
    mean_delay
        Feature frames that come after a frame before the mean that is subtracted from it is fixed:
        the mean of the frames within the trunk's reach that are there by then. With the reach
        itself, exact frames are those of the whole recording.
    """

    def __init__(self, trunk: LocalTrunk, mean_delay: int = 0) -> None:
        self.trunk, self.mean_delay = trunk, min(mean_delay, trunk.config.mean_reach)
        self.clear()

    def clear(self) -> None:
        """Forget the recording."""
        self._kept: list[_Kept] = []
        self.planes = self._keep(SEQUENCE)  # features whose mean is not fixed, and those before
        self.planes_exact = 0
        self.front = [_Stage(cast(FrontStage, stage), self._keep) for stage in self.trunk.front]
        coarse = self.trunk.coarse
        self.coarse = None if coarse is None else _Stage(coarse, self._keep)
        self.fine, self.profile = self._keep(IMAGE), self._keep(SEQUENCE)  # wait for the front
        self.layers = [
            _Residual(cast(TimeDelayLayer, layer), self._keep) for layer in self.trunk.layers
        ]
        self.shape = self._keep(SEQUENCE)  # waits for the layers

    def _keep(self, axis: int, padding: int = 0) -> _Kept:
        self._kept.append(_Kept(axis, padding))
        return self._kept[-1]

    @torch.inference_mode()
    def push(self, features: Tensor) -> Stretch:
        """Take in the next level-normalised log-mel features ``(1, frames, mels)``, one or more.

        Returns
        -------
        Stretch
            Trunk frames ``(1, frames, channels)``, from the first on that was not exact before.
        """
        config = self.trunk.config
        x, mean = self._centre(features)
        planes = [x.frames - mean, x.frames.mean(-1, keepdim=True).expand_as(mean)]
        if config.profile:
            planes.append(spectral_shape(mean))
        y = x._replace(frames=torch.stack(planes, dim=-1).permute(0, 3, 1, 2))
        for stage in self.front:
            y = stage(y)
        front = [y.frames]
        if self.coarse is not None:
            fine, y = y, self.coarse(y)
            front = [self.fine.read(fine, y.first, y.exact), y.frames]
        parts = [part.permute(0, 2, 1, 3).flatten(2) for part in front]
        strided = x._replace(first=x.first // config.stride, exact=x.exact // config.stride)
        if config.profile:
            profile = strided._replace(frames=planes[-1][:, :: config.stride])
            parts.append(self.profile.read(profile, y.first, y.exact))
        y = y._replace(frames=self.trunk.projection(torch.cat(parts, dim=-1)))
        for layer in self.layers:
            y = layer(y)
        if not config.profile:
            return y
        shape = strided._replace(frames=stride_mean(spectral_shape(x.frames), config.stride))
        own = self.shape.read(shape, y.first, y.exact)
        return y._replace(frames=torch.cat([y.frames, own], dim=-1))

    def _centre(self, features: Tensor) -> tuple[Stretch, Tensor]:
        """Features from the first on whose mean is not fixed, and their means.

        As many are exact as make up whole trunk frames.
        """
        stride, reach = self.trunk.config.stride, self.trunk.config.mean_reach
        count = self.planes.end + features.shape[1]
        first = self.planes_exact
        exact = max((count - self.mean_delay) // stride * stride, first)
        begin = max(first - reach, 0)
        new = Stretch(soften_floor(features), self.planes.end, count)
        x = self.planes.read(new, begin, max(exact - reach, 0))
        mean = sliding_mean(x, reach)
        self.planes_exact = exact
        return Stretch(x[:, first - begin :], first, exact), mean[:, first - begin :]

    def state(self) -> dict[str, Any]:
        """Return what the stream goes on from, as arrays and numbers."""
        return {
            "planes_exact": self.planes_exact,
            "kept": [
                {
                    "first": one.first,
                    "frames": one.frames.float().numpy(force=True),
                    "type": str(one.frames.dtype).removeprefix("torch."),
                }
                for one in self._kept
            ],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        device = device_of(self.trunk)
        self.planes_exact = state["planes_exact"]
        for one, stored in zip(self._kept, state["kept"], strict=True):
            one.first = stored["first"]
            frames = torch.from_numpy(stored["frames"]).to(device)
            one.frames = frames.to(getattr(torch, stored["type"]))


class _Kept:
    """Exact frames of one place of the network, which are read again with those that follow.

    Parameters
    ----------
    axis
        Axis of time.
    padding
        Zero frames before the first.
    """

    def __init__(self, axis: int, padding: int) -> None:
        self.axis, self.first = axis, -padding
        self.frames = torch.zeros(0)

    @property
    def end(self) -> int:
        """Number of the frame after the last that is kept."""
        return self.first + (self.frames.shape[self.axis] if self.frames.ndim > 1 else 0)

    def read(self, new: Stretch, first: int, keep: int) -> Tensor:
        """Join what is kept and what follows.

        Parameters
        ----------
        new
            Frames that follow.
        first
            Number of the first frame that is returned.
        keep
            Number of the first frame that the next call will return.
        """
        if self.frames.ndim == 1:  # the first frames: zeros before them
            shape = list(new.frames.shape)
            shape[self.axis] = -self.first
            self.frames = new.frames.new_zeros(shape)
        joined = torch.cat([self.frames, new.frames], self.axis)
        begin = self.first
        self.frames = joined.narrow(self.axis, keep - begin, new.exact - keep)
        self.first = keep
        return joined.narrow(self.axis, first - begin, joined.shape[self.axis] - first + begin)


Keep: TypeAlias = Callable[..., _Kept]


class _Convolution:
    """Two-dimensional convolution of three frames, padded by one on each side."""

    def __init__(self, convolution: nn.Conv2d, keep: Keep) -> None:
        self.convolution, self.kept = convolution, keep(IMAGE, 1)
        self.stride = convolution.stride[0]

    def __call__(self, x: Stretch) -> Stretch:
        stride, layer = self.stride, self.convolution
        first = (self.kept.first + 1) // stride
        exact = max((x.exact - 2) // stride + 1, 0)  # output j reads up to stride * j + 1
        frames = self.kept.read(x, stride * first - 1, stride * exact - 1)
        frames = nn.functional.pad(frames, (0, 0, 0, 1))
        # Padded by zeros in time above, and in mels here.
        y = nn.functional.conv2d(frames, layer.weight, layer.bias, layer.stride, (0, 1))
        return Stretch(y, first, exact)


class _Pair:
    """Two convolutions, and their input."""

    def __init__(self, pair: ResidualPair, keep: Keep) -> None:
        self.pair = pair
        self.first, self.second = (_Convolution(one, keep) for one in (pair.conv1, pair.conv2))
        self.skip = keep(IMAGE)

    def __call__(self, x: Stretch) -> Stretch:
        y = self.first(x)
        y = self.second(y._replace(frames=self.pair.norm1(y.frames).relu_()))
        skip = self.skip.read(x, y.first, y.exact)
        return y._replace(frames=self.pair.norm2(y.frames).add_(skip).relu_())


class _Stage:
    """Stage of the front."""

    def __init__(self, stage: FrontStage, keep: Keep) -> None:
        self.norm = stage.norm
        self.reduce = _Convolution(stage.reduce, keep)
        self.pairs = [_Pair(cast(ResidualPair, pair), keep) for pair in stage.pairs]

    def __call__(self, x: Stretch) -> Stretch:
        x = self.reduce(x)
        x = x._replace(frames=self.norm(x.frames).relu_())
        for pair in self.pairs:
            x = pair(x)
        return x


class _Residual:
    """Time-delay layer of three taps, and its input."""

    def __init__(self, layer: TimeDelayLayer, keep: Keep) -> None:
        self.layer, self.reach = layer, layer.dilation
        self.kept = keep(SEQUENCE, self.reach)

    def __call__(self, x: Stretch) -> Stretch:
        reach, first = self.reach, self.kept.first + self.reach
        exact = max(x.exact - reach, 0)
        frames = self.kept.read(x, first - reach, exact - reach)
        length = frames.shape[1] - reach
        padded = nn.functional.pad(frames, (0, 0, 0, reach))
        taps = [padded[:, k * reach :][:, :length] for k in range(3)]
        y = self.layer.transform(torch.cat(taps, dim=-1))
        return Stretch(taps[1] + y, first, exact)
