"""Kinds of audio that a caller may pass, and the protocol of a source that can be read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from os import PathLike
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import AudioWarning

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Audio", "AudioFile", "AudioSource", "Samples", "warn_if_shorter"]

Samples: TypeAlias = NDArray[np.float32]
AudioFile: TypeAlias = str | BinaryIO
Audio: TypeAlias = Union[str, "PathLike[str]", BinaryIO, NDArray[Any], "Tensor"]
"""Path, binary file object, or array or tensor ``(time,)`` or ``(channels, time)``."""

MAX_SHORTFALL_S = 0.1
"""Seconds by which audio may be shorter than its header says: codecs pad, MP3 headers estimate."""


class AudioSource(Protocol):
    """Audio at its own sample rate, which can be read from the start any number of times."""

    @property
    def label(self) -> str:
        """Name in messages, as the caller gave it."""

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz."""

    @property
    def channels(self) -> int:
        """Number of channels."""

    @property
    def duration(self) -> float | None:
        """Duration in seconds; None where only decoding would tell."""

    def chunks(self) -> Iterator[Samples]:
        """Read from the start: consecutive ``(channels, time)`` of bounded length."""


def warn_if_shorter(label: str, decoded: float, promised: float | None) -> None:
    """Warn (:class:`diarspk.errors.AudioWarning`) if fewer seconds were decoded than promised."""
    if promised is not None and 0 < decoded < promised - MAX_SHORTFALL_S:
        warnings.warn(
            f"{label}: truncated, {decoded:.1f} s of {promised:.1f} s could be decoded; "
            "the rest is missing from the result",
            AudioWarning,
            stacklevel=2,
        )
