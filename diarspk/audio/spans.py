"""Spans of a recording, read in one pass over it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from diarspk.audio.source import Samples
from diarspk.audio.stream import SAMPLE_RATE, AudioStream

__all__ = ["read_spans"]

Span = tuple[float, float]
Key = TypeVar("Key", bound=Hashable)


def read_spans(
    stream: AudioStream, spans: Mapping[Key, Sequence[Span]], *, own_rate: bool = False
) -> dict[Key, Samples]:
    """Read the spans of every key, joined; nothing is decoded beyond the last of them.

    Parameters
    ----------
    stream : AudioStream
    spans : mapping to sequences of (float, float)
        Start and end in seconds, in order of time.
    own_rate : bool, default False
        Read at the rate of the recording in place of 16 kHz.

    Returns
    -------
    dict to ndarray of float32, ``(time,)``
        Shorter than the spans where the recording ends before them.
    """
    rate = stream.source.sample_rate if own_rate else SAMPLE_RATE
    wanted = {
        key: [(round(start * rate), round(end * rate)) for start, end in own]
        for key, own in spans.items()
    }
    last = max((end for own in wanted.values() for _, end in own), default=0)
    parts: dict[Key, list[Samples]] = {key: [] for key in spans}
    blocks: Iterable[Samples] = stream.mono() if own_rate else stream.blocks()
    begin = 0
    for block in blocks:
        for key, own in wanted.items():
            for start, end in own:
                part = block[max(start - begin, 0) : max(end - begin, 0)]
                if len(part):
                    parts[key].append(part.copy())  # the block itself is not kept
        begin += len(block)
        if begin >= last:
            break
    return {key: np.concatenate([np.zeros(0, np.float32), *own]) for key, own in parts.items()}
