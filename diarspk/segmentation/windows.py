"""Overlapping windows of a recording: their places, and their audio read front to back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE

if TYPE_CHECKING:
    from diarspk.audio import AudioStream

__all__ = ["WindowGrid", "audio_windows", "window_starts"]


@dataclass(frozen=True, eq=False)
class WindowGrid:
    """Overlapping windows on the frames of a recording.

    Attributes
    ----------
    starts : NDArray of int64, shape (windows,)
        First frame of each window, rising.
    length : int
        Frames of a window.
    frames : int
        Frames of the recording.
    hop, start : float
        Seconds between frames, and of the centre of the first.
    """

    starts: NDArray[np.int64]
    length: int
    frames: int
    hop: float
    start: float

    @classmethod
    def over(
        cls, frames: int, *, window_s: float, step_s: float, hop: float, start: float
    ) -> WindowGrid:
        """Cover a recording of so many frames; one that is shorter than a window is one window."""
        length = min(round(window_s / hop), frames)
        return cls(window_starts(frames, length, round(step_s / hop)), length, frames, hop, start)

    @property
    def samples(self) -> int:
        """Samples of 16 kHz audio behind a window."""
        return max(round(self.length * self.hop * SAMPLE_RATE), 1)

    @property
    def first_samples(self) -> list[int]:
        """First sample of each window in 16 kHz audio."""
        return [round(start * self.hop * SAMPLE_RATE) for start in self.starts.tolist()]


def window_starts(total: int, length: int, step: int) -> NDArray[np.int64]:
    """First frames of windows that cover ``total`` frames, the last one flush with the end."""
    starts = np.arange(0, total - length + 1, step)
    if starts[-1] + length < total:
        starts = np.append(starts, total - length)
    return starts.astype(np.int64)


def audio_windows(
    stream: AudioStream, places: Sequence[int], samples: int
) -> Iterator[NDArray[np.float32]]:
    """Windows of ``samples`` from each of the rising ``places`` on, zeros past the end."""
    blocks = stream.blocks(samples / SAMPLE_RATE)
    held, origin = np.zeros(0, np.float32), 0
    for place in places:
        while origin + len(held) < place + samples and (block := next(blocks, None)) is not None:
            overlap = held[max(place - origin, 0) :]
            origin += len(held) - len(overlap)
            held = np.concatenate([overlap, block])
        window = held[max(place - origin, 0) :][:samples]
        yield np.pad(window, (0, samples - len(window)))
