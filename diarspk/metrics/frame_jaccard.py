"""Jaccard error on frames, as dscore counts it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Timeline

from diarspk.metrics.time_partition import count_covering

__all__ = ["frame_jaccard_errors"]

JACCARD_STEP_S = 0.01
"""Frame of dscore's Jaccard error."""

Spans = NDArray[np.float64]
"""First frame of each turn and the frame after its last, ``(turns, 2)``."""


def frame_jaccard_errors(
    reference: Annotation, hypothesis: Annotation, uem: Timeline, *, step: float = JACCARD_STEP_S
) -> NDArray[np.float64]:
    """Compute the Jaccard error, in [0, 1], of each speaker of the reference on frames.

    One speaker's error is 1 - intersection / union with the speaker mapped to it, 1 where there is
    none; the mapping minimizes the sum of errors. There is never a collar. Source: nryant
    dscore, ``metrics.jer``; Ryant et al., *The Second DIHARD Challenge Evaluation Plan*, 2019.

    Frames begin at multiples of ``step``. They are counted, not made, so that memory grows with the
    number of turns whatever their times are: Unix times are as good as others.

    Parameters
    ----------
    reference, hypothesis : Annotation
    uem : Timeline
        Turns are cropped to it first: a speaker who talks only outside does not count.

    Returns
    -------
    ndarray, ``(speakers of the reference,)``
    """
    from scipy.optimize import linear_sum_assignment

    regions = _spans(uem, uem, step)
    references = _speakers(reference.crop(uem), uem, step)
    hypotheses = _speakers(hypothesis.crop(uem), uem, step)
    edges = np.unique(np.concatenate([regions, *references, *hypotheses]))
    present, claimed = (_presence(each, edges) for each in (references, hypotheses))
    frames = np.where(count_covering(regions, edges) > 0, np.diff(edges), 0.0)
    common = (present * frames[:, None]).T @ claimed
    union = (frames @ present)[:, None] + (frames @ claimed)[None] - common
    errors = 1 - np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    best = np.ones(len(errors))
    rows, columns = linear_sum_assignment(errors)
    best[rows] = errors[rows, columns]
    return best


def _speakers(annotation: Annotation, uem: Timeline, step: float) -> list[Spans]:
    timelines = (annotation.label_timeline(label, copy=False) for label in annotation.labels())
    return [_spans(timeline, uem, step) for timeline in timelines]


def _spans(timeline: Timeline, uem: Timeline, step: float) -> Spans:
    """Frames of each segment among the whole ones before the end of the UEM."""
    times = np.array([tuple(segment) for segment in timeline], np.float64).reshape(-1, 2)
    last = np.floor(uem.extent().end / step) if uem else 0.0
    numbers = np.ceil(times / step)  # of the first frame that does not begin before, but for
    numbers -= step * (numbers - 1) >= times  # rounding, which may be off by one either way
    numbers += step * numbers < times
    spans: Spans = np.clip(numbers, 0.0, last)
    return spans


def _presence(speakers: Sequence[Spans], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 where a speaker talks, ``(stretches between edges, speakers)``."""
    rows = [count_covering(spans, edges) > 0 for spans in speakers]
    shape = (len(speakers), max(len(edges) - 1, 0))
    return np.array(rows, np.float64).reshape(shape).T
