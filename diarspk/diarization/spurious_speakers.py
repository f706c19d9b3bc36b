"""Spurious speakers: a handful of seconds in an hour that clustering took for somebody."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diarspk.arguments import check_flags, check_numbers

if TYPE_CHECKING:
    from pyannote.core import Annotation

__all__ = ["SpuriousSpeakerPolicy", "find_spurious_speakers"]


@dataclass(frozen=True)
class SpuriousSpeakerPolicy:
    """Definition of a spurious speaker, and treatment of the speech that it has.

    A spurious speaker has both few seconds and a small share of all speech, so nobody is one in a
    short recording. By default they are reported in the result and stay: a person who says one
    sentence in an hour is as short, and only the caller knows.

    Attributes
    ----------
    max_duration_s : float
        Maximum seconds of turns of a spurious speaker.
    max_share : float
        Maximum share of all speakers' speech, from 0 to 1.
    absorb : bool
        Whether the most similar of the others get the speech of spurious speakers, as far as the
        minimum number of speakers allows. Known speakers are never absorbed.
    """

    max_duration_s: float = 5.0
    max_share: float = 0.01
    absorb: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        check_numbers(self, "max_duration_s", "max_share", minimum=0.0)
        check_numbers(self, "max_share", maximum=1.0)
        check_flags(self, "absorb")


def find_spurious_speakers(
    annotation: Annotation, policy: SpuriousSpeakerPolicy, known: Collection[str] = ()
) -> tuple[str, ...]:
    """Spurious speakers of an annotation, the shortest first; those in `known` never are."""
    seconds = dict(annotation.chart())
    limit = min(policy.max_duration_s, policy.max_share * sum(seconds.values()))
    found = [
        speaker for speaker, spoken in seconds.items() if spoken <= limit and speaker not in known
    ]
    return tuple(sorted(found, key=lambda speaker: (seconds[speaker], speaker)))
