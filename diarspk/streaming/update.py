"""What a live session reports: turns that are final, turns that may change, and events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["LiveTurn", "SpeakerEvent", "Update"]

DECIMALS = 3
"""Decimals of times in JSON: milliseconds."""


@dataclass(frozen=True, order=True)
class LiveTurn:
    """One speaker from ``start`` to ``end``, in seconds from the start of the session."""

    start: float
    end: float
    speaker: str

    def to_json(self) -> dict[str, Any]:
        """Return the turn as values that JSON can hold."""
        return {
            "speaker": self.speaker,
            "start": round(self.start, DECIMALS),
            "end": round(self.end, DECIMALS),
        }


@dataclass(frozen=True)
class SpeakerEvent:
    """Change in who the speakers are.

    Attributes
    ----------
    kind : {"new", "merged"}
        ``new``: the first turn of a speaker is final. ``merged``: `speaker`, who has final turns,
        is the same person as `into`; the label is not used again.
    time : float
        Seconds of the session that were received by then.
    speaker : str
        Label.
    into : str, optional
        Label of the same person, of a merge.
    """

    kind: Literal["new", "merged"]
    time: float
    speaker: str
    into: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the event as values that JSON can hold."""
        told = {"kind": self.kind, "time": round(self.time, DECIMALS), "speaker": self.speaker}
        return told if self.into is None else {**told, "into": self.into}


@dataclass(frozen=True)
class Update:
    """What a push has changed.

    Attributes
    ----------
    time : float
        Seconds of the session that were processed.
    final_time : float
        Seconds up to which turns are final.
    final : tuple of LiveTurn
        Pieces of turns that became final, all after the `final_time` before. A turn that goes on
        continues with a piece that starts where this one ends.
    tentative : tuple of LiveTurn
        Turns after `final_time`, as they seem now. Each update replaces those of the last.
    events : tuple of SpeakerEvent
        New speakers, and merges, which come before the turns.
    """

    time: float
    final_time: float
    final: tuple[LiveTurn, ...] = ()
    tentative: tuple[LiveTurn, ...] = ()
    events: tuple[SpeakerEvent, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the update as values that JSON can hold."""
        return {
            "time": round(self.time, DECIMALS),
            "final_time": round(self.final_time, DECIMALS),
            "final": [turn.to_json() for turn in self.final],
            "tentative": [turn.to_json() for turn in self.tentative],
            "events": [event.to_json() for event in self.events],
        }
