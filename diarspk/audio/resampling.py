"""Change of sample rate and of block length on a stream of samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from diarspk.audio.source import Samples

__all__ = ["regroup", "resample"]


def resample(chunks: Iterable[Samples], sample_rate: int, target: int) -> Iterator[Samples]:
    """Resample consecutive ``(time,)`` chunks with soxr (HQ), as if they were one array."""
    if sample_rate == target:
        yield from chunks
        return
    resampler = soxr.ResampleStream(sample_rate, target, 1, dtype="float32", quality="HQ")
    for chunk in chunks:
        yield resampler.resample_chunk(chunk)
    yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def regroup(chunks: Iterable[Samples], length: int) -> Iterator[Samples]:
    """Join and cut ``(time,)`` chunks to blocks of ``length`` samples; the last may be shorter."""
    waiting: list[Samples] = []
    count = 0
    for chunk in chunks:
        while len(chunk):
            head, chunk = np.split(chunk, [length - count])
            waiting.append(head)
            count += len(head)
            if count == length:
                yield np.concatenate(waiting)
                waiting, count = [], 0
    if waiting:
        yield np.concatenate(waiting)
