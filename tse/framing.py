"""Overlapping frames of a waveform, and their sum: the same offline and block by block."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from diarspk.errors import ArgumentError

__all__ = ["Framing"]


@dataclass(frozen=True)
class Framing:
    """Frames of ``window_samples``, one each ``hop_samples``.

    Frame ``i`` ends with sample ``(i + 1) * hop_samples``: what lies before the first sample and
    after the last one is zero. Every sample lies in ``overlap`` frames.
    """

    window_samples: int
    hop_samples: int

    def __post_init__(self) -> None:
        if self.hop_samples < 1 or self.window_samples % self.hop_samples:
            raise ArgumentError(
                "`window_samples` must be a multiple of `hop_samples`, got "
                f"{self.window_samples} and {self.hop_samples}"
            )

    @property
    def overlap(self) -> int:
        """Frames that cover a sample."""
        return self.window_samples // self.hop_samples

    def split(self, waveform: Tensor) -> Tensor:
        """Cut ``(batch, time)`` into frames ``(batch, frames, window)``."""
        time, lead = waveform.shape[-1], self.window_samples - self.hop_samples
        frames = -(-time // self.hop_samples) + self.overlap - 1
        tail = frames * self.hop_samples - time
        padded = nn.functional.pad(waveform, (lead, tail))
        return padded.unfold(-1, self.window_samples, self.hop_samples)

    def join(self, frames: Tensor, time: int) -> Tensor:
        """Sum frames ``(batch, frames, window)`` where they overlap: ``(batch, time)``."""
        batch, count, _ = frames.shape
        parts = frames.reshape(batch, count, self.overlap, self.hop_samples)
        total = frames.new_zeros(batch, count + self.overlap - 1, self.hop_samples)
        for part in range(self.overlap):
            total[:, part : part + count] += parts[:, :, part]
        lead = self.window_samples - self.hop_samples
        return total.flatten(1)[:, lead : lead + time]
