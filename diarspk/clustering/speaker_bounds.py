"""Bounds on the number of speakers of a recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diarspk.errors import ArgumentError

__all__ = ["UNBOUNDED", "SpeakerBounds"]


@dataclass(frozen=True)
class SpeakerBounds:
    """Exact number of speakers, or bounds on it; None leaves one open.

    Attributes
    ----------
    exact : int, optional
        Exact number of speakers, from 1: what users give as `num_speakers`.
    minimum, maximum : int, optional
        Bounds, from 1: `min_speakers` and `max_speakers`.

    Raises
    ------
    ArgumentError
        A bound is not a whole number from 1, or bounds contradict each other. Messages use the
        users' names.
    """

    exact: int | None = None
    minimum: int | None = None
    maximum: int | None = None

    def __post_init__(self) -> None:
        """Check the bounds."""
        given = {
            "num_speakers": self.exact,
            "min_speakers": self.minimum,
            "max_speakers": self.maximum,
        }
        for name, value in given.items():
            if value is not None and not _is_count(value):
                raise ArgumentError(f"`{name}` must be a whole number from 1, got {value!r}.")
        lowest = self.minimum or 1
        if self.maximum is not None and lowest > self.maximum:
            raise ArgumentError(
                f"`min_speakers` must be at most max_speakers={self.maximum}, got {lowest}."
            )
        if self.exact is not None and not lowest <= self.exact <= (self.maximum or self.exact):
            raise ArgumentError(
                f"`num_speakers` must lie within min_speakers={self.minimum} and "
                f"max_speakers={self.maximum}, got {self.exact}; give one or the other."
            )

    @property
    def needed(self) -> int:
        """Smallest number of speakers that satisfies the bounds."""
        return self.exact or self.minimum or 1

    @property
    def limit(self) -> int | None:
        """Largest number of speakers that satisfies the bounds; None where it is open."""
        return self.exact or self.maximum

    def plus(self, count: int) -> SpeakerBounds:
        """Shift all given bounds by `count`, e.g. for an extra cluster that is no speaker."""
        values = (self.exact, self.minimum, self.maximum)
        return SpeakerBounds(*(None if value is None else value + count for value in values))

    def within(self, count: int) -> tuple[int, int]:
        """Smallest and largest number of clusters of `count` points; both 0 without points."""
        return min(int(self.needed), count), min(int(self.limit or count), count)


UNBOUNDED = SpeakerBounds()
"""Any number of speakers."""


def _is_count(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        return False
    return bool(value >= 1)
