"""Clean speech of the speakers of a diarization: where each talks alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE

if TYPE_CHECKING:
    from pyannote.core import Annotation

    from diarspk.audio import AudioStream

__all__ = ["find_clean_spans", "read_spans"]

Span = tuple[float, float]
Samples = NDArray[np.float32]

EDGE_S = 0.05
"""Seconds cut off at either end of a span: boundaries of turns are inexact by so much."""

MIN_SPAN_S = 0.5
"""Minimum length of a span in seconds."""

MAX_CLEAN_S = 60.0
"""Seconds of a speaker that are enough; more change its vectors hardly, and fill the memory."""


def find_clean_spans(
    annotation: Annotation, *, limit: float = MAX_CLEAN_S
) -> dict[str, list[Span]]:
    """Find the spans in which one speaker talks and nobody else does.

    Parameters
    ----------
    annotation : pyannote.core.Annotation
    limit : float
        Seconds of a speaker from which no further span is taken; the longest come first, since
        most of what overlaps and of what is cut wrongly is short.

    Returns
    -------
    dict of str to list of (float, float)
        Start and end of each span in seconds, in order of time, by speaker.
    """
    found = {}
    for speaker in annotation.labels():
        others = [other for other in annotation.labels() if other != speaker]
        own = annotation.label_timeline(speaker).support()
        alone = own.extrude(annotation.subset(others).get_timeline().support())
        spans = [(part.start + EDGE_S, part.end - EDGE_S) for part in alone]
        long_enough = [span for span in spans if span[1] - span[0] >= MIN_SPAN_S]
        found[str(speaker)] = _longest(long_enough, limit)
    return found


def read_spans(stream: AudioStream, spans: Mapping[str, Sequence[Span]]) -> dict[str, Samples]:
    """Read the spans of every speaker, joined, in one pass over a recording.

    Returns
    -------
    dict of str to ndarray of float32, ``(time,)``
        At 16 kHz; shorter than the spans where the recording ends before them.
    """
    parts: dict[str, list[Samples]] = {speaker: [] for speaker in spans}
    begin = 0
    for block in stream.blocks():
        for speaker, own in spans.items():
            for first, last in _in_samples(own):
                part = block[max(first - begin, 0) : max(last - begin, 0)]
                if len(part):
                    parts[speaker].append(part.copy())  # the block itself is not kept
        begin += len(block)
    return {
        speaker: np.concatenate([np.zeros(0, np.float32), *own]) for speaker, own in parts.items()
    }


def _longest(spans: Sequence[Span], limit: float) -> list[Span]:
    chosen, total = [], 0.0
    for start, end in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        end = min(end, start + limit - total)
        if total >= limit or end - start < MIN_SPAN_S:
            break
        chosen.append((start, end))
        total += end - start
    return sorted(chosen)


def _in_samples(spans: Iterable[Span]) -> list[tuple[int, int]]:
    return [(round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)) for start, end in spans]
