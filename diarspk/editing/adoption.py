"""Adoption of another diarization of the recording, in which reviewed turns stay as they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from diarspk.editing.matching import (
    match_names,
    match_turns,
    overlapping_pairs,
    rename_all,
    renumber,
)
from diarspk.editing.operation import Operation, turns_of
from diarspk.editing.spans import Span, subtract
from diarspk.editing.turn import EditableTurn
from diarspk.editing.turns import EditableTurns

__all__ = ["AdoptTurns", "adopt"]

MIN_PIECE_S = 0.2
"""Pieces of turns that are left beside reviewed ones, and are shorter, are dropped."""


@dataclass(frozen=True)
class AdoptTurns(Operation):
    """Put other turns in the place of all, as :func:`adopt` makes them of a fresh diarization."""

    name = "adopt"
    turns: tuple[EditableTurn, ...]

    def __post_init__(self) -> None:
        """Check the fields, and make turns of their JSON."""
        object.__setattr__(self, "turns", turns_of(self.turns, "turns"))

    def apply(self, turns: EditableTurns) -> EditableTurns:
        """See :meth:`Operation.apply`."""
        return replace(turns, by_number={}).with_new(*self.turns)


def adopt(
    current: EditableTurns,
    fresh: EditableTurns,
    removed: Collection[Span] = (),
    *,
    known: EditableTurns | None = None,
) -> AdoptTurns:
    """Take over a fresh diarization of the same recording, and keep what a person has reviewed.

    Reviewed turns stay to the letter. Within each, the fresh speech of the same speaker goes; and
    where the fresh diarization has mostly given that speech to somebody else, so does that. Where
    speech was removed by hand, or given to another speaker, nothing comes back but what is there
    now. Speakers get the names, and turns the numbers, of those that they match in time.

    Parameters
    ----------
    current, fresh : EditableTurns
    removed : collection of (float, float)
        Spans, in seconds, in which speech was removed by hand, or given to another speaker.
    known : EditableTurns, optional
        Turns of which the numbers are. Default: ``current``.
    """
    kept = [turn for turn in current.listed if turn.reviewed]
    named = rename_all(fresh.listed, match_names(current.listed, fresh.listed))
    cuts: dict[str, list[Span]] = {}
    for speaker, span in [*_superseded(kept, named), *_removed(removed, current, named)]:
        cuts.setdefault(speaker, []).append(span)
    pieces = [piece for turn in named for piece in _cut(turn, cuts.get(turn.speaker, ()))]
    # Pieces of one turn have its number so far; to be matched, each needs one of its own.
    pieces = [replace(piece, number=number) for number, piece in enumerate(pieces)]
    taken = {turn.number for turn in kept}
    numbered = [turn for turn in (known or current).listed if turn.number not in taken]
    numbers = match_turns(numbered, pieces)
    return AdoptTurns((*kept, *renumber(pieces, numbers, current.next_number)))


def _cut(turn: EditableTurn, cuts: Iterable[Span]) -> list[EditableTurn]:
    """Pieces of a turn outside of some spans, without the shortest."""
    left = subtract((turn.start, turn.end), cuts)
    if left == [(turn.start, turn.end)]:
        return [turn]
    return [
        replace(turn, start=start, end=end) for start, end in left if end - start >= MIN_PIECE_S
    ]


def _superseded(
    kept: Collection[EditableTurn], fresh: Collection[EditableTurn]
) -> list[tuple[str, Span]]:
    """Speakers and spans of fresh speech in the place of which reviewed turns stand."""
    seconds: dict[int, dict[str, float]] = {turn.number: {} for turn in kept}
    for turn, other in overlapping_pairs(kept, fresh):
        spoken = seconds[turn.number]
        spoken[other.speaker] = spoken.get(other.speaker, 0.0) + turn.overlap(other)
    found = []
    for turn in kept:
        span, spoken = (turn.start, turn.end), seconds[turn.number]
        found.append((turn.speaker, span))
        others = sorted(spoken.keys() - {turn.speaker})
        instead = max(others, key=lambda speaker: spoken[speaker], default=None)
        if instead is not None and spoken[instead] > spoken.get(turn.speaker, 0.0):
            found.append((instead, span))
    return found


def _removed(
    removed: Iterable[Span], current: EditableTurns, fresh: Iterable[EditableTurn]
) -> list[tuple[str, Span]]:
    """Speakers and spans of fresh speech that a person has taken away, and not put back."""
    speakers = sorted({turn.speaker for turn in fresh})
    found = []
    for start, end in removed:
        there = [turn for turn in current.listed if turn.start < end and turn.end > start]
        for speaker in speakers:
            own = [(turn.start, turn.end) for turn in there if turn.speaker == speaker]
            found += [(speaker, left) for left in subtract((start, end), own)]
    return found
