"""Sessions of the counting benchmark: who talks when, and what it sounds like."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyannote.core import Annotation, Segment

from diarspk.errors import ArgumentError
from eval.counting import session
from eval.counting.session import make_session
from eval.counting.session_plan import GRID, QUICK_GRID, SessionPlan, plan_sessions
from eval.counting.turn_taking import BRIEF_S, draw_parts, draw_shares
from eval.counting.turns import CLOSE_S, MIN_TALK_S
from eval.simulate.conversation import Sources

RATE = 16000


def make_template(seed: int, seconds: float = 240.0) -> Annotation:
    """Four people who talk in turn, at times at once."""
    generator = np.random.default_rng(seed)
    template, time, last = Annotation(), 0.0, -1
    while time < seconds:
        person = int(generator.choice([one for one in range(4) if one != last]))
        length = float(generator.uniform(0.5, 8.0))
        template[Segment(round(time, 3), round(time + length, 3)), person] = f"p{person}"
        time += length + float(generator.uniform(-0.4, 0.8))
        last = person
    return template


TEMPLATES = [[make_template(seed) for seed in range(3)]]

plans = st.builds(
    SessionPlan,
    name=st.just("drawn"),
    people=st.integers(1, 12),
    minutes=st.floats(2.5, 8.0).map(lambda minutes: round(minutes, 1)),
    rooms=st.sampled_from(["one", "changing"]),
    shares=st.sampled_from(["equal", "skewed"]),
    seed=st.integers(0, 1000),
)


def talk_of(plan: SessionPlan) -> dict[int, float]:
    talk: dict[int, float] = {}
    for part in draw_parts(TEMPLATES, plan, np.random.default_rng(plan.seed)):
        for turn in part.turns:
            talk[turn.person] = talk.get(turn.person, 0.0) + turn.seconds
    return talk


@pytest.fixture(scope="module")
def sources() -> Sources:
    """Noises of ten people, each of a loudness of their own."""
    generator = np.random.default_rng(0)
    voices = {
        f"voice-{number}": [
            (0.1 * generator.normal(size=3 * RATE)).astype(np.float32) for _ in range(4)
        ]
        for number in range(10)
    }
    hiss = (0.01 * generator.normal(size=4 * RATE)).astype(np.float32)
    return Sources(voices, TEMPLATES, [hiss])


@pytest.fixture(autouse=True)
def dry_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    def simulate(generator: np.random.Generator, *, sources: int, **_: object) -> np.ndarray:
        return np.eye(1, 8).repeat(sources, axis=0).astype(np.float32)

    monkeypatch.setattr(session, "simulate_room", simulate)


@settings(deadline=None, max_examples=40)
@given(plans)
def test_everybody_talks_within_the_session_and_never_over_themselves(plan: SessionPlan) -> None:
    parts = draw_parts(TEMPLATES, plan, np.random.default_rng(plan.seed))
    assert parts[0].start == 0 and parts[-1].end == pytest.approx(plan.seconds)
    assert all(one.end == other.start for one, other in pairwise(parts))
    turns = [turn for part in parts for turn in part.turns]
    assert {turn.person for turn in turns} == set(range(plan.people))
    for part in parts:
        assert all(part.start <= turn.start < turn.end <= part.end for turn in part.turns)
        for one, other in combinations(part.turns, 2):
            assert one.person != other.person or one.end < other.start or other.end < one.start


@settings(deadline=None, max_examples=30)
@given(plans)
def test_nobody_says_next_to_nothing_unless_it_is_planned(plan: SessionPlan) -> None:
    enough = min(MIN_TALK_S, 0.3 * plan.seconds / plan.people)
    assert min(talk_of(plan).values()) >= enough - 0.01


@settings(deadline=None, max_examples=20)
@given(st.integers(4, 14), st.integers(0, 100))
def test_a_sixth_of_the_people_is_brief(people: int, seed: int) -> None:
    talk = sorted(talk_of(SessionPlan("drawn", people, 6.0, shares="brief", seed=seed)).values())
    brief = max(1, people // 6)
    assert all(BRIEF_S[0] <= seconds <= BRIEF_S[1] + CLOSE_S + 0.01 for seconds in talk[:brief])
    assert talk[brief] > BRIEF_S[1] + CLOSE_S


@settings(deadline=None, max_examples=20)
@given(st.integers(4, 14), st.integers(0, 100))
def test_joined_conversations_have_nobody_in_common(people: int, seed: int) -> None:
    plan = SessionPlan("drawn", people, 6.0, rooms="joined", seed=seed)
    parts = draw_parts(TEMPLATES, plan, np.random.default_rng(seed))
    casts = [{turn.person for turn in part.turns} for part in parts]
    assert len(casts) >= 2
    assert sum(map(len, casts)) == people == len(set().union(*casts))


def test_shares_are_equal_or_fall_with_the_rank() -> None:
    assert draw_shares(4, "equal") == pytest.approx([0.25] * 4)
    assert draw_shares(3, "skewed") == pytest.approx([6 / 11, 3 / 11, 2 / 11])
    talk = talk_of(SessionPlan("drawn", 4, 10.0, shares="skewed"))
    assert max(talk.values()) > 2.5 * min(talk.values())


def test_changing_rooms_are_parts_of_the_same_people() -> None:
    plan = SessionPlan("drawn", 3, 10.0, rooms="changing")
    parts = draw_parts(TEMPLATES, plan, np.random.default_rng(1))
    assert len(parts) == 4
    assert all({turn.person for turn in part.turns} == {0, 1, 2} for part in parts)


def test_too_short_for_so_many_says_so() -> None:
    with pytest.raises(ArgumentError, match="too short"):
        talk_of(SessionPlan("drawn", 60, 0.5, shares="brief"))


def test_templates_without_a_fitting_stretch_say_so() -> None:
    short = Annotation()
    short[Segment(0, 2)] = "p0"
    with pytest.raises(ArgumentError, match="stretches of 30 s"):
        draw_parts([[short]], SessionPlan("drawn", 2, 0.5), np.random.default_rng(0))


def test_plans_are_unique_and_a_larger_set_holds_the_smaller() -> None:
    once, twice = plan_sessions(GRID, seed=3), plan_sessions(GRID, seed=3, times=2)
    assert len({plan.name for plan in once}) == len(once)
    assert len(twice) == 2 * len(once)
    assert set(once) <= set(twice)
    assert set(plan_sessions(QUICK_GRID[:2], seed=3)) <= set(once)


def test_every_kind_is_among_the_plans() -> None:
    made = plan_sessions(GRID, seed=1)
    assert {plan.rooms for plan in made} == {"one", "changing", "joined"}
    assert {plan.shares for plan in made} == {"equal", "skewed", "brief"}
    assert {plan.voices for plan in made} == {"any", "same sex"}
    assert {plan.repeats for plan in made} == {1, 6}
    assert all(plan.people >= 4 for plan in made if plan.rooms == "joined")
    assert all(plan.rooms == "one" for plan in made if plan.minutes / plan.repeats < 2)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"people": 0}, "`people` must be 1 or more, got 0"),
        ({"minutes": 0.0}, "`minutes` must be above 0"),
        ({"rooms": "two"}, "`rooms` must be one of one, changing, joined, got 'two'"),
        ({"repeats": 0}, "`repeats` must be 1 or more"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ArgumentError, match=fault):
        replace(SessionPlan("drawn", 2, 0.5), **change)


def test_the_same_plan_gives_the_same_bytes(sources: Sources) -> None:
    plan = SessionPlan("drawn", 3, 0.5, rooms="changing")
    one, again = make_session(sources, plan), make_session(sources, plan)
    other = make_session(sources, replace(plan, seed=2))
    assert np.array_equal(one.samples, again.samples)
    assert one.reference == again.reference
    assert not np.array_equal(one.samples, other.samples)


def test_speech_is_where_the_reference_says(sources: Sources) -> None:
    made = make_session(sources, SessionPlan("drawn", 3, 0.5))
    assert len(made.samples) == 30 * RATE
    assert len(made.reference.labels()) == 3
    talking = np.zeros(len(made.samples), np.bool_)
    for turn in made.reference.get_timeline():
        talking[round(turn.start * RATE) : round(turn.end * RATE)] = True
    power = made.samples.astype(float) ** 2
    assert power[talking].mean() > 8 * power[~talking].mean()


def test_a_repeated_session_is_its_part_many_times(sources: Sources) -> None:
    made = make_session(sources, SessionPlan("drawn", 2, 1.5, repeats=3))
    first, second, third = np.split(made.samples, 3)
    assert np.array_equal(first, second) and np.array_equal(first, third)
    part = made.reference.crop(Segment(0, 30))
    shifted = made.reference.crop(Segment(30, 60))
    assert len(part) == len(shifted)
    assert made.reference.get_timeline().duration() == pytest.approx(
        3 * part.get_timeline().duration()
    )


def test_people_of_one_sex(sources: Sources) -> None:
    groups = {f"voice-{number}": "fm"[number % 2] for number in range(9)}
    plan = SessionPlan("drawn", 4, 0.5, voices="same sex")
    for seed in range(5):
        made = make_session(sources, replace(plan, seed=seed), groups=groups)
        assert len({groups[name] for name in made.reference.labels()}) == 1
    with pytest.raises(ArgumentError, match="6 people of one sex for drawn, got 5"):
        make_session(sources, replace(plan, people=6), groups=groups)


def test_too_few_voices_say_so(sources: Sources) -> None:
    with pytest.raises(ArgumentError, match="must have 11 people for drawn, got 10"):
        make_session(sources, SessionPlan("drawn", 11, 2.5))
