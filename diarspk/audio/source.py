"""The protocol of a source of audio that can be read, and what is said where it falls short."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import AudioWarning

if TYPE_CHECKING:
    from diarspk.audio.files import AudioFile

__all__ = ["AudioSource", "Samples", "warn", "warn_if_interrupted", "warn_if_shorter"]

Samples: TypeAlias = NDArray[np.float32]
MAX_SHORTFALL_S = 0.1
"""Seconds by which audio may be shorter than its header says: codecs pad, MP3 headers estimate."""


class AudioSource(Protocol):
    """Audio at its own sample rate, which can be read from the start any number of times."""

    @property
    def label(self) -> str:
        """Name in messages, as the caller gave it."""

    @property
    def file(self) -> AudioFile | None:
        """Bytes that it reads; None for arrays."""

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz."""

    @property
    def channels(self) -> int:
        """Number of channels."""

    @property
    def duration(self) -> float | None:
        """Duration in seconds; None where only decoding would tell."""

    @property
    def expected_duration(self) -> float | None:
        """The duration, or else an estimate of it, to show progress and to plan memory."""

    @property
    def selection(self) -> str:
        """What is read of the file, besides the channel: a track, a raw format; may be empty."""

    def measure(self) -> float:
        """Measure the duration in seconds: by the header where that is sure, else by counting."""

    def chunks(self) -> Iterator[Samples]:
        """Read from the start: consecutive ``(channels, time)`` of bounded length."""


def warn(message: str) -> None:
    """Issue an :class:`diarspk.errors.AudioWarning`."""
    warnings.warn(message, AudioWarning, stacklevel=3)


def warn_if_shorter(label: str, decoded: float, promised: float | None) -> None:
    """Warn if fewer seconds were decoded than the file promises."""
    if promised is not None and 0 < decoded < promised - MAX_SHORTFALL_S:
        warn(
            f"{label}: truncated, {decoded:.1f} s of {promised:.1f} s could be decoded; "
            "the rest is missing from the result"
        )


def warn_if_interrupted(label: str, decoded: float, fault: OSError | None) -> bool:
    """Warn, and return True, if a fault of the disk or the network ended the reading."""
    if fault is not None:
        warn(
            f"{label}: read up to {decoded:.1f} s only ({fault.strerror or fault}); check the disk "
            "or the connection"
        )
    return fault is not None
