"""Pieces of one recording that differ in sample rate or number of channels, made alike."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soxr

from diarspk.audio.source import Samples

__all__ = ["Conformer"]


class Conformer:
    """Converts consecutive pieces to one rate and number of channels.

    Joined files change either, and so do recordings of calls. Pieces that need nothing pass as they
    are.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    channels : int
        Pieces with another number of channels give their mean on each.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.sample_rate, self.channels = sample_rate, channels
        self._rate = sample_rate  # of the pieces at present
        self._resampler: soxr.ResampleStream | None = None

    def push(self, samples: Samples, rate: int) -> Iterator[Samples]:
        """Yield at most two ``(channels, time)``: what was left of another rate, then the piece."""
        if rate != self._rate:
            yield from self.finish()
            self._rate = rate
        if len(samples) != self.channels:
            samples = np.broadcast_to(samples.mean(axis=0), (self.channels, samples.shape[1]))
        if rate == self.sample_rate:
            yield samples
            return
        if self._resampler is None:
            self._resampler = soxr.ResampleStream(
                rate, self.sample_rate, self.channels, dtype="float32", quality="HQ"
            )
        yield self._resample(self._resampler, samples)

    def finish(self) -> Iterator[Samples]:
        """Yield what the resampler still holds, if anything."""
        if self._resampler is not None:
            empty = np.empty((self.channels, 0), np.float32)
            yield self._resample(self._resampler, empty, last=True)
            self._resampler = None

    def _resample(
        self, resampler: soxr.ResampleStream, samples: Samples, last: bool = False
    ) -> Samples:
        rows = np.ascontiguousarray(samples.T)
        if self.channels == 1:
            return resampler.resample_chunk(rows[:, 0], last=last)[None]
        return resampler.resample_chunk(rows, last=last).T
