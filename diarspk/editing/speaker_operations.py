"""Operations on speakers as wholes: merge, split, rename."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from reprlib import repr as brief

from diarspk.editing.checks import checked_name, checked_names, checked_numbers
from diarspk.editing.operation import Operation
from diarspk.editing.turns import EditableTurns
from diarspk.errors import ArgumentError

__all__ = ["MergeSpeakers", "RenameSpeakers", "SplitSpeaker"]


@dataclass(frozen=True)
class MergeSpeakers(Operation):
    """Give the turns of several speakers one name; by default that of the first.

    The turns stay apart, so that the speakers can be told apart again.
    """

    name = "merge"
    speakers: tuple[str, ...]
    into: str | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        object.__setattr__(self, "speakers", checked_names(self.speakers, "speakers"))
        if len(self.speakers) < 2:
            raise ArgumentError(
                f"`speakers` must be two or more, got {brief(list(self.speakers))}."
            )
        if self.into is not None:
            object.__setattr__(self, "into", checked_name(self.into, "into"))

    def apply(self, turns: EditableTurns) -> EditableTurns:
        """See :meth:`Operation.apply`."""
        into = self.speakers[0] if self.into is None else self.into
        if into in turns.speakers and into not in self.speakers:
            raise ArgumentError(
                f"`into` must not be the name of another speaker, got {brief(into)}."
            )
        merged = [turn for speaker in self.speakers for turn in turns.of_speaker(speaker)]
        return turns.with_changed(*(replace(turn, speaker=into) for turn in merged))


@dataclass(frozen=True)
class SplitSpeaker(Operation):
    """Give some turns of a speaker, but not all of them, to a new one named ``into``."""

    name = "split"
    speaker: str
    turns: tuple[int, ...]
    into: str

    def __post_init__(self) -> None:
        """Check the fields."""
        object.__setattr__(self, "speaker", checked_name(self.speaker, "speaker"))
        object.__setattr__(self, "turns", checked_numbers(self.turns, "turns"))
        object.__setattr__(self, "into", checked_name(self.into, "into"))

    def apply(self, turns: EditableTurns) -> EditableTurns:
        """See :meth:`Operation.apply`."""
        own = {turn.number for turn in turns.of_speaker(self.speaker)}
        moved = [turns[number] for number in self.turns]
        if not own.issuperset(self.turns):
            others = [number for number in self.turns if number not in own]
            raise ArgumentError(
                f"`turns` must be turns of {brief(self.speaker)}, got {brief(others)}."
            )
        if len(moved) == len(own):
            raise ArgumentError(
                f"`turns` must leave a turn to {brief(self.speaker)}, got all of them; rename it "
                "instead."
            )
        if self.into in turns.speakers:
            raise ArgumentError(f"`into` must be a name that nobody has, got {brief(self.into)}.")
        return turns.with_changed(*(replace(turn, speaker=self.into) for turn in moved))


@dataclass(frozen=True)
class RenameSpeakers(Operation):
    """Rename speakers, old names to new ones, all at once; two may swap their names."""

    name = "rename"
    names: Mapping[str, str]

    def __post_init__(self) -> None:
        """Check the fields."""
        if not isinstance(self.names, Mapping) or not self.names:
            raise ArgumentError(f"`names` must be new names by old ones, got {brief(self.names)}.")
        names = {
            checked_name(old, "names"): checked_name(new, "names")
            for old, new in self.names.items()
        }
        object.__setattr__(self, "names", names)

    def apply(self, turns: EditableTurns) -> EditableTurns:
        """See :meth:`Operation.apply`."""
        names = self.names
        for speaker in names:
            turns.of_speaker(speaker)
        final = Counter(names.get(speaker, speaker) for speaker in turns.speakers)
        repeated = [name for name, times in final.items() if times > 1]
        if repeated:
            raise ArgumentError(
                "`names` must not give two speakers one name, got "
                f"{brief(repeated[0])} twice; merge them instead."
            )
        return turns.with_changed(
            *(
                replace(turn, speaker=names[turn.speaker])
                for turn in turns.listed
                if turn.speaker in names
            )
        )
