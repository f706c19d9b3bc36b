"""Turn-taking of any number of people for any length, from stretches of real annotations.

A stretch has a few places at the table; who sits there changes from time to time, so that the
rhythm, the gaps and the overlaps of real talk stay as they are while many people get to talk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from pyannote.core import Annotation

from diarspk.errors import ArgumentError
from eval.counting.session_plan import SessionPlan
from eval.counting.turns import MIN_TALK_S, Part, Turn, give_turn, join_turns
from eval.simulate.settings import SimulationConfig
from eval.simulate.templates import cut_stretch

__all__ = ["BRIEF_S", "draw_parts", "draw_shares"]

PART_S = 150.0
"""Seconds of one room where rooms change, and the longest stretch that is cut of an annotation."""

MAX_SEATS = 5
MAX_SITTING_S = 60.0
"""Longest time after which the places at the table are given anew."""

BRIEF_S = (1.0, 2.5)
BRIEF_SHARE = 6
"""Of so many people, one says little."""

SPEECH_SHARE = 0.5
"""Least share of speech in a stretch."""

TRIES = 400


def draw_parts(
    templates: Sequence[Sequence[Annotation]], plan: SessionPlan, generator: np.random.Generator
) -> list[Part]:
    """Draw who talks when in a session; its parts follow one another without a gap.

    Raises
    ------
    ArgumentError
        If the templates have no stretch with talk enough, or the session is too short for so many
        people.
    """
    everybody = generator.permutation(plan.people).tolist()
    brief, main = np.split(everybody, [_count_brief(plan)])
    shares = dict(zip(main.tolist(), draw_shares(len(main), plan.shares), strict=True))
    remaining = {person: share * plan.seconds for person, share in shares.items()}
    parts = [
        Part(start, end, _fill(templates, start, end, cast, remaining, generator))
        for start, end, cast in _spans(plan, shares, generator)
    ]
    missing = {person: float(generator.uniform(*BRIEF_S)) for person in brief.tolist()}
    least = min(MIN_TALK_S, 0.3 * plan.seconds / plan.people)
    for person in shares:
        said = sum(turn.seconds for part in parts for turn in part.turns if turn.person == person)
        if said < least:
            missing[person] = least - said
    for person, seconds in missing.items():
        parts = give_turn(parts, person, seconds, generator)
    return [replace(part, turns=join_turns(part.turns)) for part in parts]


def draw_shares(people: int, shares: str) -> list[float]:
    """Shares of talk, which add up to one, the largest first."""
    weights = np.ones(people)
    if shares == "skewed":
        weights = 1 / np.arange(1, people + 1)
    return list((weights / weights.sum()).tolist())


def _count_brief(plan: SessionPlan) -> int:
    return max(1, plan.people // BRIEF_SHARE) if plan.shares == "brief" else 0


def _spans(
    plan: SessionPlan,
    shares: dict[int, float],
    generator: np.random.Generator,
) -> list[tuple[float, float, list[int]]]:
    """Start, end and cast of each part."""
    main = list(shares)
    if plan.rooms == "one":
        return [(0.0, plan.seconds, main)]
    if plan.rooms == "changing":
        count = max(2, round(plan.seconds / PART_S))
        edges = np.linspace(0, plan.seconds, count + 1).round(3).tolist()
        return [(start, end, main) for start, end in pairwise(edges)]
    groups = _groups(main, generator)
    ends = np.cumsum([sum(shares[person] for person in group) for group in groups])
    edges = [0.0, *(plan.seconds * ends).round(3).tolist()]
    edges[-1] = plan.seconds
    return [(*span, group) for span, group in zip(pairwise(edges), groups, strict=True)]


def _groups(people: Sequence[int], generator: np.random.Generator) -> list[list[int]]:
    """Divide people into two conversations or more, of two to five where there are so many."""
    left, groups = list(people), list[list[int]]()
    while left:
        size = int(generator.integers(2, MAX_SEATS + 1))
        if not groups:
            size = min(size, max(len(left) // 2, 1))
        elif len(left) - size < 2:
            size = len(left)
        groups.append(left[:size])
        left = left[size:]
    return groups


def _fill(
    templates: Sequence[Sequence[Annotation]],
    start: float,
    end: float,
    cast: Sequence[int],
    remaining: dict[int, float],
    generator: np.random.Generator,
) -> list[Turn]:
    """Draw turns from ``start`` to ``end`` among some people; ``remaining`` is counted down."""
    count = max(1, round((end - start) / PART_S))
    turns: list[Turn] = []
    for low, high in pairwise(np.linspace(start, end, count + 1).round(3).tolist()):
        stretch = _draw_stretch(templates, high - low, len(cast), generator)
        seats = sorted(stretch.labels(), key=lambda name: (-stretch.label_duration(name), name))
        seats = seats[: min(len(cast), MAX_SEATS)]
        sitting = min(MAX_SITTING_S, (high - low) * len(seats) * count / (2 * len(cast)))
        sittings = max(1, round((high - low) / sitting)) if len(cast) > 1 else 1
        for since, until in pairwise(np.linspace(0, high - low, sittings + 1).tolist()):
            talk = [
                (turn.start, turn.end, seats.index(name))
                for turn, _, name in stretch.itertracks(yield_label=True)
                if name in seats and since <= turn.start < until
            ]
            seated = _seat(talk, len(seats), cast, remaining, generator)
            for begin, stop, seat in talk:
                turns.append(Turn(round(low + begin, 3), round(low + stop, 3), seated[seat]))
                remaining[seated[seat]] -= stop - begin
    return turns


def _seat(
    talk: Sequence[tuple[float, float, int]],
    seats: int,
    cast: Sequence[int],
    remaining: dict[int, float],
    generator: np.random.Generator,
) -> list[int]:
    """Give each place to somebody: to those with more left to say more often, and more to say."""
    said = np.zeros(seats)
    for begin, stop, seat in talk:
        said[seat] += stop - begin
    left = np.array([max(remaining[person], 0.0) for person in cast])
    weights = left / left.sum() if left.sum() > 0 else np.full(len(cast), 1 / len(cast))
    weights = 0.999 * weights + 0.001 / len(cast)
    drawn = generator.choice(len(cast), seats, replace=False, p=weights / weights.sum())
    by_need = sorted(drawn.tolist(), key=lambda index: (-left[index], index))
    seated = [0] * seats
    for seat, index in zip(np.argsort(-said, kind="stable").tolist(), by_need, strict=True):
        seated[seat] = cast[index]
    return seated


def _draw_stretch(
    templates: Sequence[Sequence[Annotation]],
    seconds: float,
    people: int,
    generator: np.random.Generator,
) -> Annotation:
    """Cut a stretch with much speech, in which as many talk as there are, or some."""
    config = SimulationConfig(seconds=seconds, least_talk_s=min(1.0, 0.02 * seconds))
    wanted = min(people, 2)
    for _ in range(TRIES):
        annotations = templates[int(generator.integers(len(templates)))]
        annotation = annotations[int(generator.integers(len(annotations)))]
        length = float(annotation.get_timeline(copy=False).extent().end)
        if length < seconds:
            continue
        stretch = cut_stretch(annotation, generator.uniform(0, length - seconds), config)
        speech = stretch.get_timeline().support().duration()
        if len(stretch.labels()) >= wanted and speech >= SPEECH_SHARE * seconds:
            return stretch
    raise ArgumentError(
        f"`templates` must have stretches of {seconds:g} s with {wanted} people and "
        f"{SPEECH_SHARE:.0%} of speech, got none in {TRIES} draws"
    )
