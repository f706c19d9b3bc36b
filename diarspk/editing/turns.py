"""All turns of a recording, as a value that operations take and give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from reprlib import repr as brief

from diarspk.editing.checks import checked_seconds
from diarspk.editing.turn import EditableTurn
from diarspk.errors import ArgumentError

__all__ = ["EditableTurns"]

MAX_NAMES = 10
"""Names of speakers that a message lists."""


@dataclass(frozen=True)
class EditableTurns:
    """Turns of a recording, which may overlap.

    Attributes
    ----------
    by_number : mapping of int to EditableTurn
    duration : float, optional
        Seconds of the recording, in which every turn lies; None where it is not known.
    next_number : int
        From here on no number was ever used, also not by turns that are gone.

    Raises
    ------
    ArgumentError
        If a turn ends after the recording.
    """

    by_number: Mapping[int, EditableTurn] = field(default_factory=dict)
    duration: float | None = None
    next_number: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        """Check the duration, and raise the next number above all that are in use."""
        if self.duration is not None:
            object.__setattr__(self, "duration", checked_seconds(self.duration, "duration"))
        unused = max(self.by_number, default=-1) + 1
        object.__setattr__(self, "next_number", max(self.next_number, unused))

    @classmethod
    def of(cls, turns: Iterable[EditableTurn], duration: float | None = None) -> EditableTurns:
        """Collect turns.

        Raises
        ------
        ArgumentError
            If two have one number, or one ends after the recording.
        """
        return cls({}, duration).with_new(*turns)

    @cached_property
    def listed(self) -> tuple[EditableTurn, ...]:
        """Turns by start, then by end, speaker and number."""
        return tuple(sorted(self.by_number.values(), key=lambda turn: turn.order))

    @cached_property
    def speakers(self) -> tuple[str, ...]:
        """Names of the speakers, in order of first appearance."""
        return tuple(dict.fromkeys(turn.speaker for turn in self.listed))

    def __len__(self) -> int:
        return len(self.by_number)

    def __getitem__(self, number: int) -> EditableTurn:
        if number not in self.by_number:
            known = f"from {min(self.by_number)} to {max(self.by_number)}" if self else "none"
            raise ArgumentError(f"`turn` must be one of this recording ({known}), got {number}.")
        return self.by_number[number]

    def of_speaker(self, speaker: str) -> list[EditableTurn]:
        """List the turns of a speaker.

        Raises
        ------
        ArgumentError
            If there is no such speaker.
        """
        found = [turn for turn in self.listed if turn.speaker == speaker]
        if not found:
            names = ", ".join([*self.speakers[:MAX_NAMES], "..."][: len(self.speakers)])
            known = f"among {names}" if self else "none, as nobody speaks"
            raise ArgumentError(f"`speaker` must be {known}, got {brief(speaker)}.")
        return found

    def with_new(self, *turns: EditableTurn) -> EditableTurns:
        """Add turns whose numbers are not in use.

        Raises
        ------
        ArgumentError
            If a number is in use, or a turn ends after the recording.
        """
        taken = set(self.by_number)
        for turn in turns:
            if turn.number in taken:
                raise ArgumentError(
                    f"`new` must be a number that no other turn has, got {turn.number}."
                )
            taken.add(turn.number)
        return self.with_changed(*turns)

    def with_changed(self, *turns: EditableTurn) -> EditableTurns:
        """Put turns in the place of those with their numbers, or add them.

        Raises
        ------
        ArgumentError
            If a turn ends after the recording.
        """
        for turn in turns:
            if self.duration is not None and turn.end > self.duration:
                raise ArgumentError(
                    f"`end` must be at most {self.duration:.3f}, the end of the recording, got "
                    f"{turn.end}."
                )
        return replace(self, by_number={**self.by_number, **{turn.number: turn for turn in turns}})

    def without(self, numbers: Iterable[int]) -> EditableTurns:
        """Leave turns out.

        Raises
        ------
        ArgumentError
            If there is no such turn.
        """
        dropped = {self[number].number for number in numbers}
        kept = {key: turn for key, turn in self.by_number.items() if key not in dropped}
        return replace(self, by_number=kept)
