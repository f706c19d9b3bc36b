"""Jaccard error on frames of 10 ms, as dscore counts it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Timeline

__all__ = ["frame_jaccard_errors"]

STEP_S = 0.01


def frame_jaccard_errors(
    reference: Annotation, hypothesis: Annotation, uem: Timeline, *, step: float = STEP_S
) -> NDArray[np.float64]:
    """Jaccard error of each speaker of the reference, in [0, 1].

    One speaker's error is 1 - intersection / union with the speaker mapped to it, 1 where there is
    none; the mapping makes the errors' sum the least. There is never a collar. Source: nryant
    dscore, ``metrics.jer``; Ryant et al., *The Second DIHARD Challenge Evaluation Plan*, 2019.

    Parameters
    ----------
    reference, hypothesis : Annotation
    uem : Timeline
        Turns are cut to it first: a speaker who talks outside only does not count.

    Returns
    -------
    ndarray, ``(speakers of the reference,)``
    """
    from scipy.optimize import linear_sum_assignment

    present, claimed = (_frames(each.crop(uem), uem, step) for each in (reference, hypothesis))
    common = present.T.astype(np.float64) @ claimed
    union = present.sum(0)[:, None] + claimed.sum(0)[None] - common
    errors = 1 - np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    best = np.ones(len(errors))
    rows, columns = linear_sum_assignment(errors)
    best[rows] = errors[rows, columns]
    return best


def _frames(annotation: Annotation, uem: Timeline, step: float) -> NDArray[np.bool_]:
    """Who talks in the frames that start within the UEM: ``(frames, speakers)``."""
    end = uem.extent().end if uem else 0.0
    times = step * np.arange(int(end / step))
    present = np.zeros((len(times), len(annotation.labels())), np.bool_)
    for column, label in enumerate(annotation.labels()):
        for segment in annotation.label_timeline(label, copy=False):
            first, last = np.searchsorted(times, tuple(segment))
            present[first:last, column] = True
    kept = np.zeros(len(times), np.bool_)
    for region in uem:
        first, last = np.searchsorted(times, tuple(region))
        kept[first:last] = True
    return present[kept]
