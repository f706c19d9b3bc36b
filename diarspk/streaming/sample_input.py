"""Samples of a live session: any rate, type and chunking in, mono at 16 kHz out.

What comes out does not depend on how the samples are cut into pushes, and is the same after a
session was saved and loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_count
from diarspk.audio.arrays import open_array
from diarspk.audio.source import Samples
from diarspk.audio.stream import SAMPLE_RATE, find_faulty
from diarspk.errors import ArgumentError, AudioError
from diarspk.streaming.block_resampler import BlockResampler
from diarspk.streaming.live_mixdown import LiveMixdown

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SampleInput"]

BLOCK_S = 0.04
"""Seconds of a block that is resampled by itself, at least."""

MIN_RATE, MAX_RATE = 1000, 768_000
"""Sample rates in Hz that are taken."""


class SampleInput:
    """Converts consecutive pushes to mono at 16 kHz.

    Parameters
    ----------
    channel
        Zero-based channel. Default: the mean of all.
    block_s
        Seconds of a block that is resampled by itself; see :class:`BlockResampler`.
    """

    def __init__(self, channel: int | None = None, *, block_s: float = BLOCK_S) -> None:
        self.channel = None if channel is None else check_count(channel, "channel", minimum=0)
        self.block_s = block_s
        self.clear()

    def clear(self) -> None:
        """Forget rate and samples: the next push may have others."""
        self.rate, self.channels = 0, 0
        self.resampler: BlockResampler | None = None
        self.mixdown: LiveMixdown | None = None

    @property
    def samples(self) -> int:
        """Samples pushed since the start, of each channel."""
        return 0 if self.resampler is None else self.resampler.received

    @property
    def seconds(self) -> float:
        """Seconds pushed since the start."""
        return self.samples / self.rate if self.rate else 0.0

    def push(self, samples: NDArray[Any] | Tensor, sample_rate: object) -> Samples:
        """Take in samples ``(time,)`` or ``(channels, time)``; return those at 16 kHz that are due.

        Nothing is taken in where an error is raised.

        Raises
        ------
        ArgumentError
            If shape, type, rate or channels are not fit, or differ from those before.
        AudioError
            If a sample is not finite.
        """
        rate, audio = self._check(samples, sample_rate)
        if self.resampler is None:
            self._begin(rate, len(audio))
        assert self.resampler is not None
        mono = audio[self.channel or 0] if self.mixdown is None else self.mixdown.push(audio)
        return self.resampler.push(mono)

    def finish(self) -> Samples:
        """Return the samples at 16 kHz that were waiting for context."""
        return np.zeros(0, np.float32) if self.resampler is None else self.resampler.finish()

    def _begin(self, rate: int, channels: int) -> None:
        self.rate, self.channels = rate, channels
        self.resampler = BlockResampler(rate, SAMPLE_RATE, self.block_s)
        if channels > 1 and self.channel is None:
            self.mixdown = LiveMixdown(rate, channels)

    def _check(self, samples: NDArray[Any] | Tensor, sample_rate: object) -> tuple[int, Samples]:
        rate = check_count(sample_rate, "sample_rate", minimum=MIN_RATE, maximum=MAX_RATE)
        source = open_array(samples, rate)
        if self.rate and (rate, source.channels) != (self.rate, self.channels):
            raise ArgumentError(
                f"`samples` must go on with {self.rate} Hz and {self.channels} channels, got "
                f"{rate} Hz and {source.channels}; push(None, gap_s=0) starts another stretch"
            )
        if self.channel is not None and self.channel >= source.channels:
            raise ArgumentError(
                f"`channel` must be below {source.channels}, the channels pushed, got "
                f"{self.channel}"
            )
        chunks = list(source.chunks())
        empty = np.zeros((source.channels, 0), np.float32)
        audio: Samples = np.concatenate([empty, *chunks], axis=1)
        if (faulty := find_faulty(audio)) is not None:
            seconds = (self.samples + faulty) / rate
            raise AudioError(
                f"a sample is NaN or infinite, or far beyond full scale, at {seconds:.3f} s of "
                "this stretch; nothing of this push was taken in, so replace it and push again"
            )
        return rate, audio

    def state(self) -> dict[str, Any]:
        """Return what a session goes on from."""
        empty = np.zeros(0, np.float32)
        return {
            "rate": self.rate,
            "channels": self.channels,
            "samples": self.samples,
            "waiting": empty if self.resampler is None else self.resampler.waiting,
            "mixdown": None if self.mixdown is None else self.mixdown.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.clear()
        if not state["rate"]:
            return
        self._begin(state["rate"], state["channels"])
        assert self.resampler is not None
        self.resampler.restore({"received": state["samples"], "waiting": state["waiting"]})
        if self.mixdown is not None:
            self.mixdown.restore(state["mixdown"])
