"""Audio in memory: numpy arrays and torch tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from diarspk.audio.source import Samples
from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ArraySource", "is_tensor", "open_array", "to_float"]

CHUNK_SAMPLES = 1 << 16


@dataclass(frozen=True, eq=False)
class ArraySource:
    """Samples ``(channels, time)`` of any supported type, converted chunk by chunk."""

    samples: NDArray[Any] = field(repr=False)
    sample_rate: int
    label: str = "audio"

    @property
    def file(self) -> None:
        """None: it is in memory."""

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.samples.shape[0])

    @property
    def duration(self) -> float:
        """Duration in seconds."""
        return float(self.samples.shape[1] / self.sample_rate)

    @property
    def expected_duration(self) -> float:
        """The duration."""
        return self.duration

    @property
    def selection(self) -> str:
        """All of it: nothing."""
        return ""

    def measure(self) -> float:
        """Return the duration."""
        return self.duration

    def chunks(self) -> Iterator[Samples]:
        """Consecutive ``(channels, time)``."""
        for start in range(0, self.samples.shape[1], CHUNK_SAMPLES):
            yield to_float(self.samples[:, start : start + CHUNK_SAMPLES])


def open_array(audio: NDArray[Any] | Tensor, sample_rate: int) -> ArraySource:
    """Take ``(time,)`` or ``(channels, time)`` of floats, or of integers at full scale.

    Raises
    ------
    ArgumentError
        For another shape or type, and for ``(time, channels)``.
    """
    samples = _from_tensor(audio) if is_tensor(audio) else np.asarray(audio)
    if samples.ndim not in (1, 2):
        raise ArgumentError(
            f"`audio` must be of shape (time,) or (channels, time), got {samples.shape}"
        )
    samples = np.atleast_2d(samples)
    if samples.shape[0] > samples.shape[1] > 0:
        raise ArgumentError(
            f"`audio` must be of shape (channels, time), got {samples.shape}; transpose it"
        )
    if samples.dtype.kind != "f" and samples.dtype not in (np.uint8, np.int16, np.int32):
        raise ArgumentError(
            f"`audio` must be of floats, uint8, int16 or int32, got {samples.dtype}; convert it"
        )
    return ArraySource(samples, sample_rate)


def is_tensor(audio: object) -> TypeGuard[Tensor]:
    """Whether ``audio`` is a torch tensor; does not import torch."""
    names = {f"{kind.__module__}.{kind.__name__}" for kind in type(audio).__mro__}
    return "torch.Tensor" in names


def _from_tensor(tensor: Any) -> NDArray[Any]:
    tensor = tensor.detach().cpu()
    # numpy has no bfloat16.
    return np.asarray(tensor.float() if tensor.is_floating_point() else tensor)


def to_float(samples: NDArray[Any]) -> Samples:
    """Integers at full scale to [-1, 1); floats as they are."""
    with np.errstate(over="ignore"):  # becomes infinite, which is reported with its time
        floats: Samples = samples.astype(np.float32)
    if samples.dtype == np.uint8:
        floats = floats / np.float32(128) - np.float32(1)
    elif samples.dtype.kind == "i":
        floats = floats / np.float32(-int(np.iinfo(samples.dtype).min))
    return floats
