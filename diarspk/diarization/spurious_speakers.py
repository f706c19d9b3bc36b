"""Ghost speakers: a handful of seconds in an hour that clustering took for somebody."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    from pyannote.core import Annotation

__all__ = ["GhostPolicy", "find_ghosts"]


@dataclass(frozen=True)
class GhostPolicy:
    """Which speakers are ghosts, and what becomes of them.

    A ghost has both few seconds and a small share of all speech, so nobody is one in a short
    recording. By default ghosts are named in the result and stay: a person who says one sentence
    in an hour is as short, and only the caller knows.

    Attributes
    ----------
    longest_s : float
        Most seconds of turns that a ghost has.
    largest_share : float
        Most of all speakers' speech that a ghost has, from 0 to 1.
    absorb : bool
        Give the speech of ghosts to the most similar of the others, as far as the caller's
        minimum count allows; speakers that the caller knows are never absorbed.
    """

    longest_s: float = 5.0
    largest_share: float = 0.01
    absorb: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        if not self.longest_s >= 0:
            raise ArgumentError(f"`longest_s` must be at least 0 s, got {self.longest_s}.")
        if not 0 <= self.largest_share <= 1:
            raise ArgumentError(f"`largest_share` must be within 0..1, got {self.largest_share}.")


def find_ghosts(
    annotation: Annotation, policy: GhostPolicy, known: Collection[str] = ()
) -> tuple[str, ...]:
    """Ghosts of an annotation, the shortest first; those in `known` never are."""
    seconds = dict(annotation.chart())
    most = min(policy.longest_s, policy.largest_share * sum(seconds.values()))
    found = [
        speaker for speaker, spoken in seconds.items() if spoken <= most and speaker not in known
    ]
    return tuple(sorted(found, key=lambda speaker: (seconds[speaker], speaker)))
