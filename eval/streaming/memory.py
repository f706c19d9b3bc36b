"""Memory of one long session."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

import diarspk
from diarspk.streaming import StreamingDiarizer
from eval.counting.peak_memory import peak_megabytes, reset_peak
from eval.report.markdown import markdown_table

__all__ = ["memory_over"]

SAMPLE_RATE = 16000


def memory_over(
    recordings: Sequence[NDArray[np.float32]], diarizer: diarspk.Diarizer, hours: float
) -> str:
    """Stream recordings one after the other, and tabulate the largest memory of each hour.

    Raises
    ------
    ValueError
        If there is no sound in any of them: they would be streamed for ever.
    """
    if not any(len(samples) for samples in recordings):
        raise ValueError("there is no sound in the recordings")
    session, rows = StreamingDiarizer(diarizer=diarizer), []
    done, told = 0.0, 0
    reset_peak()
    for samples in cycle(recordings):
        for first in range(0, len(samples), SAMPLE_RATE):
            session.push(samples[first : first + SAMPLE_RATE], SAMPLE_RATE)
        done += len(samples) / SAMPLE_RATE / 3600
        if done >= min(told + 1, hours):
            rows.append([f"{done:.1f}", f"{peak_megabytes():.0f}"])
            told += 1
            reset_peak()
        if done >= hours:
            return markdown_table(["hours", "MB"], rows)
    raise AssertionError("there is no recording")
