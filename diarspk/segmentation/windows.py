"""Overlapping windows of a stream of audio, read once from front to back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE, AudioStream

__all__ = ["audio_windows"]


def audio_windows(
    stream: AudioStream, places: Sequence[int], samples: int
) -> Iterator[NDArray[np.float32]]:
    """Windows of ``samples`` from each of the rising ``places`` on, zeros past the end."""
    blocks = stream.blocks(samples / SAMPLE_RATE)
    held, origin = np.zeros(0, np.float32), 0
    for place in places:
        while origin + len(held) < place + samples and (block := next(blocks, None)) is not None:
            keep = held[max(place - origin, 0) :]
            origin += len(held) - len(keep)
            held = np.concatenate([keep, block])
        window = held[max(place - origin, 0) :][:samples]
        yield np.pad(window, (0, samples - len(window)))


def window_starts(total: int, length: int, step: int) -> NDArray[np.int64]:
    """First frames of windows that cover ``total`` frames, the last one flush with the end."""
    starts = np.arange(0, total - length + 1, step)
    if starts[-1] + length < total:
        starts = np.append(starts, total - length)
    return starts.astype(np.int64)
