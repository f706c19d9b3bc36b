"""What can be heard: the kinds of audio a caller passes, and the one shape they are read in."""

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
"""A path, a binary file object, or an array or tensor ``(time,)`` or ``(channels, time)``."""

SHORTFALL = 0.1
"""Seconds by which audio may fall short of its header: codecs pad, and headers of MP3 estimate."""


class AudioSource(Protocol):
    """Audio at its own rate and channel count, readable from the start any number of times."""

    @property
    def label(self) -> str:
        """Name of the audio in messages, as the caller gave it."""

    @property
    def sample_rate(self) -> int:
        """Samples a second of every channel."""

    @property
    def channels(self) -> int:
        """Number of channels."""

    @property
    def duration(self) -> float | None:
        """Seconds, as far as they are known before decoding."""

    def chunks(self) -> Iterator[Samples]:
        """Read from the start: consecutive ``(channels, time)``, each short enough for memory."""


def warn_if_shorter(label: str, decoded: float, promised: float | None) -> None:
    """Warn with :class:`~diarspk.AudioWarning` if fewer seconds were decoded than promised."""
    if promised is not None and 0 < decoded < promised - SHORTFALL:
        warnings.warn(
            f"{label}: truncated, {decoded:.1f} s of {promised:.1f} s could be decoded; "
            "the rest is missing from the result",
            AudioWarning,
            stacklevel=2,
        )
