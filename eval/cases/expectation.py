"""What is expected of a diarizer on a case, and what is wrong with what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diarspk.metrics import Components

__all__ = ["Expectation", "Finding"]


@dataclass(frozen=True)
class Finding:
    """What a diarizer made of a case.

    Attributes
    ----------
    people : int
        Number of people found.
    components : Components
        Seconds of error and of reference speech.
    warnings : sequence of str
        What it said of the result.
    """

    people: int
    components: Components
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class Expectation:
    """Bounds of a finding that is good enough.

    Attributes
    ----------
    people : (int, int)
        Fewest and most people.
    max_der : float, optional
        Largest error rate, in [0, 1].
    max_false_alarm_s : float, optional
        Most seconds of what is no speech.
    warning : str
        Part of a warning that must be given; empty for none.
    """

    people: tuple[int, int]
    max_der: float | None = None
    max_false_alarm_s: float | None = None
    warning: str = ""

    def __str__(self) -> str:
        low, high = self.people
        parts = [f"{low} found" if low == high else f"{low} to {high} found"]
        if self.max_der is not None:
            parts.append(f"DER up to {100 * self.max_der:g} %")
        if self.max_false_alarm_s is not None:
            parts.append(f"false alarm up to {self.max_false_alarm_s:g} s")
        if self.warning:
            parts.append(f'warning "{self.warning}"')
        return ", ".join(parts)

    def faults(self, finding: Finding) -> list[str]:
        """List what a finding lacks; nothing where it is as expected."""
        low, high = self.people
        found = [] if low <= finding.people <= high else [f"{finding.people} found"]
        parts = finding.components
        if self.max_der is not None and parts.der > self.max_der:
            found.append(f"DER {100 * parts.der:.1f} %")
        if self.max_false_alarm_s is not None and parts.false_alarm > self.max_false_alarm_s:
            found.append(f"false alarm {parts.false_alarm:.1f} s")
        if self.warning and not any(self.warning in text for text in finding.warnings):
            found.append("no such warning")
        return found
