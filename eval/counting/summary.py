"""Measurements of several sessions together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from statistics import fmean
from typing import Any

from diarspk.metrics import Components
from eval.counting.measurement import Measurement

__all__ = ["GROUPS", "Summary", "cost_of_telling", "group"]

Key = Callable[[Measurement], float | str]

GROUPS: Mapping[str, Key] = {
    "minutes": lambda one: one.plan.minutes,
    "people": lambda one: one.plan.people,
    "rooms": lambda one: one.plan.rooms,
    "shares": lambda one: one.plan.shares,
    "voices": lambda one: one.plan.voices,
    "repeats": lambda one: one.plan.repeats,
}
"""What sessions are told apart by."""


@dataclass(frozen=True)
class Summary:
    """Measurements of one system under one condition.

    Attributes
    ----------
    measurements : sequence of Measurement
        One or more.
    """

    measurements: Sequence[Measurement]

    @property
    def components(self) -> Components:
        """Seconds of all sessions, so that long ones weigh more."""
        return reduce(add, (one.components for one in self.measurements))

    @property
    def mean_der(self) -> float:
        """Mean of the sessions' error rates, so that all weigh the same."""
        return fmean(one.components.der for one in self.measurements)

    @property
    def people(self) -> float:
        """Mean number of people."""
        return fmean(one.people for one in self.measurements)

    @property
    def found(self) -> float:
        """Mean number of people found."""
        return fmean(one.found for one in self.measurements)

    @property
    def count_error(self) -> float:
        """Mean distance of the number found from the truth, in shares of the truth."""
        return fmean(abs(one.found - one.people) / max(one.people, 1) for one in self.measurements)

    @property
    def talkative_error(self) -> float:
        """The same of those who talk three seconds or more."""
        return fmean(
            abs(one.found_talkative - one.talkative) / max(one.talkative, 1)
            for one in self.measurements
        )

    @property
    def right(self) -> float:
        """Share of sessions with the right number of people."""
        return fmean(one.found == one.people for one in self.measurements)

    @property
    def talkative_right(self) -> float:
        """Share of sessions with the right number of those who talk three seconds or more."""
        return fmean(one.found_talkative == one.talkative for one in self.measurements)

    @property
    def real_time_factor(self) -> float:
        """Seconds of work, as :class:`Measurement` has them, for each second of the sessions."""
        seconds = sum(one.seconds for one in self.measurements)
        return seconds / sum(60 * one.plan.minutes for one in self.measurements)

    @property
    def megabytes(self) -> float:
        """Largest memory of all sessions."""
        return max(one.megabytes for one in self.measurements)

    def as_dict(self) -> dict[str, Any]:
        """Figures as JSON holds them, session by session as well."""
        first = self.measurements[0]
        return {
            "system": first.system,
            "condition": first.condition,
            **self.components.as_dict(),
            "mean_der": self.mean_der,
            "count_error": self.count_error,
            "talkative_count_error": self.talkative_error,
            "count_right": self.right,
            "talkative_count_right": self.talkative_right,
            "real_time_factor": self.real_time_factor,
            "megabytes": self.megabytes,
            "sessions": [
                {**asdict(one), "components": one.components.as_dict()} for one in self.measurements
            ],
        }


def group(measurements: Sequence[Measurement], key: Key) -> dict[float | str, list[Measurement]]:
    """Measurements by a value; the values are in order."""
    groups: dict[float | str, list[Measurement]] = {}
    for one in measurements:
        groups.setdefault(key(one), []).append(one)
    return dict(sorted(groups.items(), key=lambda item: (isinstance(item[0], str), item[0])))


def cost_of_telling(
    told: Sequence[Measurement], automatic: Sequence[Measurement]
) -> dict[str, float]:
    """Error rate of each session under a condition, less that of the same told nothing."""
    before = {one.plan.name: one.components.der for one in automatic}
    return {
        one.plan.name: one.components.der - before[one.plan.name]
        for one in told
        if one.plan.name in before
    }
