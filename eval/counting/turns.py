"""Turns of a session, and what is done with them once they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from diarspk.errors import ArgumentError

__all__ = ["CLOSE_S", "MIN_TALK_S", "Part", "Turn", "give_turn", "join_turns"]

MIN_TALK_S = 5.0
"""Seconds that everybody says at least, as far as the session is long enough, except the brief."""

CLOSE_S = 0.4
"""A turn that is longer by less than this is given whole."""

MIN_TURN_S = 0.15
"""What is left of a turn that is given in part is no shorter."""


class Turn(NamedTuple):
    """Seconds from the start of the session, and who talks."""

    start: float
    end: float
    person: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start


@dataclass(frozen=True)
class Part:
    """Turns of a span of time that has a room of its own."""

    start: float
    end: float
    turns: Sequence[Turn]


def give_turn(
    parts: Sequence[Part], person: int, seconds: float, generator: np.random.Generator
) -> list[Part]:
    """Give a turn, or the beginning of one, to a person who would say too little.

    Where the person talks in a part already, it is there. Whole turns of about the right length
    are preferred, and such that nobody else talks in.

    Raises
    ------
    ArgumentError
        If nobody has a turn to spare.
    """
    said: dict[int, float] = {}
    for turn in (turn for part in parts for turn in part.turns):
        said[turn.person] = said.get(turn.person, 0.0) + turn.seconds
    inside = [person in {turn.person for turn in part.turns} for part in parts]
    spare = [
        (index, number, turn)
        for index, part in enumerate(parts)
        if inside[index] or not any(inside)
        for number, turn in enumerate(part.turns)
        if turn.person != person and said[turn.person] - min(turn.seconds, seconds) >= MIN_TALK_S
    ]
    if not spare:
        raise ArgumentError(f"`minutes` is too short for {len(said) + 1} people; ask for fewer")
    whole = [one for one in spare if 0 <= one[2].seconds - seconds <= CLOSE_S]
    enough = [one for one in spare if one[2].seconds >= seconds]
    chosen = whole or enough or sorted(spare, key=lambda one: -one[2].seconds)[:1]
    alone = [one for one in chosen if not _overlapped(one[2], parts[one[0]].turns)]
    chosen = alone or chosen
    index, number, turn = chosen[int(generator.integers(len(chosen)))]
    cut = turn.end if whole else round(min(turn.end, turn.start + seconds), 3)
    rest = [turn._replace(start=cut)] if turn.end - cut >= MIN_TURN_S else []
    turns = list(parts[index].turns)
    turns[number : number + 1] = [Turn(turn.start, cut, person), *rest]
    changed = list(parts)
    changed[index] = replace(parts[index], turns=turns)
    return changed


def _overlapped(turn: Turn, turns: Sequence[Turn]) -> bool:
    return sum(one.start < turn.end and turn.start < one.end for one in turns) > 1


def join_turns(turns: Sequence[Turn]) -> list[Turn]:
    """Sort turns by time; those of one person that overlap or touch become one."""
    found: list[Turn] = []
    last: dict[int, int] = {}
    for turn in sorted(turns):
        place = last.get(turn.person)
        if place is not None and found[place].end >= turn.start:
            found[place] = found[place]._replace(end=max(found[place].end, turn.end))
        else:
            last[turn.person] = len(found)
            found.append(turn)
    return found
