"""Clean speech of the speakers of a diarization: where each talks alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyannote.core import Annotation

__all__ = ["find_clean_spans"]

Span = tuple[float, float]

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


def _longest(spans: Sequence[Span], limit: float) -> list[Span]:
    chosen, total = [], 0.0
    for start, end in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        end = min(end, start + limit - total)
        if total >= limit or end - start < MIN_SPAN_S:
            break
        chosen.append((start, end))
        total += end - start
    return sorted(chosen)
