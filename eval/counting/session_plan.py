"""What a session of the benchmark is to be: people, length, rooms, shares of talk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from diarspk.errors import ArgumentError

__all__ = [
    "GRID",
    "QUICK_GRID",
    "GridRow",
    "Rooms",
    "SessionPlan",
    "Shares",
    "Voices",
    "plan_sessions",
]

Rooms = Literal["one", "changing", "joined"]
"""One room; a new room every few minutes for the same people; or conversations of different people
one after another, each in a room of its own."""

Shares = Literal["equal", "skewed", "brief"]
"""All talk as much; the r-th talks 1 / r as much as the first; or some say one to three seconds in
all."""

Voices = Literal["any", "same sex"]


class GridRow(NamedTuple):
    """Numbers of people who meet for so many minutes, in so many sessions each.

    With ``repeats``, a session is its first part that many times, which should change no count.
    """

    minutes: float
    people: Sequence[int]
    sessions: int
    repeats: int = 1


GRID = (
    GridRow(0.5, (1, 2, 3, 4), 3),
    GridRow(2.5, (2, 3, 4), 6),
    GridRow(2.5, (1, 6, 8), 3),
    GridRow(15, (2, 3, 4), 3),
    GridRow(15, (1, 6, 8, 12, 20), 1),
    GridRow(15, (2, 3, 4), 1, repeats=6),
    GridRow(40, (20, 40, 60), 2),
    GridRow(60, (2, 3, 4, 20, 60), 1),
)
QUICK_GRID = (
    GridRow(0.5, (1, 2, 3), 1),
    GridRow(2.5, (1, 2, 4, 8), 1),
    GridRow(15, (3, 12), 1),
)

VARIETIES: Sequence[tuple[Rooms, Shares, Voices]] = (
    ("one", "equal", "any"),
    ("changing", "skewed", "same sex"),
    ("joined", "brief", "any"),
    ("one", "skewed", "same sex"),
    ("changing", "equal", "any"),
    ("one", "brief", "any"),
    ("joined", "equal", "same sex"),
    ("changing", "brief", "any"),
    ("joined", "skewed", "any"),
)
"""Every pair of rooms and shares once; taken in turn."""

MIN_CHANGING = 2.0
"""Minutes from which a session has several rooms."""

MIN_JOINED = 4
"""People from whom two conversations can be made."""

MIN_BRIEF = 3
"""People of whom one may say next to nothing."""

MAX_SAME_SEX = 20
"""More of one sex than a split may have are not asked for."""


@dataclass(frozen=True)
class SessionPlan:
    """Design of one session.

    Attributes
    ----------
    name : str
    people : int
    minutes : float
    rooms, shares, voices : str
    repeats : int
        The recording is a part that comes so many times.
    seed : int
        Everything that is drawn depends on it, and on the name.
    """

    name: str
    people: int
    minutes: float
    rooms: Rooms = "one"
    shares: Shares = "equal"
    voices: Voices = "any"
    repeats: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ArgumentError
            If one is not as above.
        """
        if self.people < 1:
            raise ArgumentError(f"`people` must be 1 or more, got {self.people}")
        if not self.minutes > 0:
            raise ArgumentError(f"`minutes` must be above 0, got {self.minutes}")
        if self.repeats < 1:
            raise ArgumentError(f"`repeats` must be 1 or more, got {self.repeats}")
        for field, allowed in (("rooms", Rooms), ("shares", Shares), ("voices", Voices)):
            if getattr(self, field) not in get_args(allowed):
                listed = ", ".join(get_args(allowed))
                raise ArgumentError(
                    f"`{field}` must be one of {listed}, got {getattr(self, field)!r}"
                )

    @property
    def seconds(self) -> float:
        """Length of what is not repeated, in whole milliseconds."""
        return round(60 * self.minutes / self.repeats, 3)

    @property
    def kind(self) -> str:
        """Rooms, shares and voices in words."""
        room = {"one": "one room", "changing": "changing rooms", "joined": "joined"}[self.rooms]
        parts = [room, self.shares]
        if self.voices != "any":
            parts.append(self.voices)
        if self.repeats > 1:
            parts.append(f"{self.repeats} times")
        return ", ".join(parts)


def plan_sessions(grid: Sequence[GridRow], *, seed: int, times: int = 1) -> list[SessionPlan]:
    """Plan the sessions of a grid, the shortest first.

    Rooms, shares and voices take turns, and depend on the length, the people and the number of the
    session alone: a larger grid holds the sessions of a smaller one.

    Parameters
    ----------
    grid
        Lengths, people, and sessions of each.
    seed
        Of all that is drawn.
    times
        So many times the sessions of the grid.
    """
    plans = [
        _plan(row, people, number, seed)
        for row in grid
        for people in row.people
        for number in range(times * row.sessions)
    ]
    return sorted(plans, key=lambda plan: (plan.minutes, plan.people))


def _plan(row: GridRow, people: int, number: int, seed: int) -> SessionPlan:
    rooms, shares, voices = VARIETIES[(number + people + int(row.minutes)) % len(VARIETIES)]
    if rooms == "joined" and people < MIN_JOINED:
        rooms = "changing"
    if row.minutes / row.repeats < MIN_CHANGING:
        rooms = "one"
    if shares == "brief" and people < MIN_BRIEF:
        shares = "equal"
    if people > MAX_SAME_SEX:
        voices = "any"
    name = f"{row.minutes:g}min-{people:02d}people-{number}".replace(".", "_")
    if row.repeats > 1:
        name += f"-x{row.repeats}"
    return SessionPlan(name, people, float(row.minutes), rooms, shares, voices, row.repeats, seed)
