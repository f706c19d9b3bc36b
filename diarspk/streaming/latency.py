"""From a latency in seconds to the step and the right context of the networks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diarspk.arguments import check_number

__all__ = ["MAX_LATENCY_S", "MIN_LATENCY_S", "LatencyPlan"]

MIN_LATENCY_S = 0.32
MAX_LATENCY_S = 8.0
"""Beyond this, there would be little left of a window of ten seconds before what becomes final."""

STEP_SHARE = 0.5
"""Share of the latency from one step to the next; the rest is right context of every frame."""

MIN_STEP, MAX_STEP = 4, 25
"""Trunk frames of a step: fewer cost more, and more are a jerky display."""


@dataclass(frozen=True)
class LatencyPlan:
    """Grid of trunk frames on which a session is processed.

    A frame is final at the first step that ends at least `context` frames after it, so no frame
    waits for more than ``step + context`` frames.

    Attributes
    ----------
    step : int
        Trunk frames from one step to the next.
    context : int
        Minimum trunk frames that were received after a frame that becomes final.
    """

    step: int
    context: int

    @classmethod
    def of(cls, latency_s: float, hop: float) -> LatencyPlan:
        """Plan for a latency, with trunk frames `hop` seconds apart.

        Raises
        ------
        ArgumentError
            If the latency is no number from 0.32 to 8 s.
        """
        check_number(latency_s, "latency_s", minimum=MIN_LATENCY_S, maximum=MAX_LATENCY_S)
        frames = int(latency_s / hop + 1e-6)
        step = min(max(math.ceil(STEP_SHARE * frames), MIN_STEP), MAX_STEP)
        return cls(step, frames - step)
