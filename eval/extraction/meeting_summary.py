"""Means of the measures of tracks, system by system, as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.extraction.meeting_measures import TrackMeasures

__all__ = ["HEADER", "Summary", "summarise"]

HEADER = [
    "system",
    "targets",
    *("similarity", "in overlap"),
    *("precision %", "recall %", "F1 %"),
    *("SI-SDR in overlap, dB", "worse than the mixture %"),
]


@dataclass(frozen=True)
class Summary:
    """Means over the targets of a system; seconds are pooled before they are divided."""

    system: str
    targets: int
    whole: float
    overlap: float
    precision: float
    recall: float
    ratio_db: float
    worse: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall of the seconds in which the track talks."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total > 0 else 0.0

    def row(self) -> list[str]:
        """Cells of the table."""
        similarities = [f"{one:.3f}" for one in (self.whole, self.overlap)]
        timing = [f"{100 * one:.1f}" for one in (self.precision, self.recall, self.f1)]
        ratio = ["-"] * 2
        if np.isfinite(self.ratio_db):
            ratio = [f"{self.ratio_db:.2f}", f"{100 * self.worse:.0f}"]
        return [self.system, f"{self.targets}", *similarities, *timing, *ratio]


def summarise(measured: Sequence[TrackMeasures]) -> list[Summary]:
    """Summarise every system, in the order in which they come."""
    systems = dict.fromkeys(one.system for one in measured)
    mixtures = {
        (one.meeting, one.target): one.ratio_db for one in measured if one.system == "mixture"
    }
    summaries = []
    for system in systems:
        own = [one for one in measured if one.system == system]
        right, extra, missed = (
            sum(getattr(one, name) for one in own) for name in ("right_s", "extra_s", "missed_s")
        )
        rated = [one for one in own if np.isfinite(one.ratio_db)]
        worse = [one.ratio_db < mixtures[one.meeting, one.target] for one in rated]
        summaries.append(
            Summary(
                system,
                len(own),
                _mean([one.whole for one in own]),
                _mean([one.overlap for one in own]),
                right / max(right + extra, 1e-9),
                right / max(right + missed, 1e-9),
                _mean([one.ratio_db for one in own]),
                float(np.mean(worse)) if worse else float("nan"),
            )
        )
    return summaries


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
