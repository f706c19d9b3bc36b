"""The oracle corrects everything, and counts what it does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyannote.core import Annotation, Segment

from diarspk.editing import EditableTurn, EditedDiarization
from eval.review.correction import Cost, correct

TURN = st.tuples(st.integers(0, 300), st.integers(2, 60), st.sampled_from("ABC"))
TURNS = st.lists(TURN, max_size=12)


def annotate(turns: Sequence[tuple[float, float, str]]) -> Annotation:
    """Annotation of (start, length, speaker), in tenths of a second; each speaker talks once."""
    annotation = Annotation(uri="call")
    for number, (start, length, speaker) in enumerate(turns):
        annotation[Segment(start / 10, (start + length) / 10), number] = speaker
    return annotation.support()


def cost_of(
    hypothesis: Sequence[tuple[float, float, str]],
    reference: Sequence[tuple[float, float, str]],
    tolerance: float = 0.0,
) -> Cost:
    cost = Cost(hours=1.0)
    correct(EditedDiarization.of(annotate(hypothesis)), annotate(reference), cost, tolerance)
    return cost


@settings(max_examples=60, deadline=None)
@given(TURNS, TURNS, st.sampled_from([0.0, 0.25]))
def test_no_error_is_left(
    hypothesis: list[tuple[int, int, str]],
    reference: list[tuple[int, int, str]],
    tolerance: float,
) -> None:
    cost = cost_of(hypothesis, reference, tolerance)
    assert cost.after.der == 0.0


@given(TURNS)
def test_a_perfect_diarization_costs_nothing(turns: list[tuple[int, int, str]]) -> None:
    other_names = [(start, length, f"SPEAKER_{name}") for start, length, name in turns]
    assert cost_of(other_names, turns).by_kind.total() == 0


@pytest.mark.parametrize(
    ("hypothesis", "kinds"),
    [
        ([(0, 20, "A"), (30, 20, "B"), (60, 30, "C")], {"merge": 1}),
        ([(0, 20, "A"), (30, 20, "B"), (60, 30, "B"), (100, 9, "B")], {"delete": 1}),
        ([(0, 20, "A"), (30, 60, "B")], {"split_turn": 1, "move": 1}),
        ([(0, 25, "A"), (30, 20, "B"), (60, 25, "B")], {"move": 2}),
        ([], {"add": 3}),
    ],
)
def test_every_kind_of_error_has_its_operation(
    hypothesis: list[tuple[int, int, str]], kinds: dict[str, int]
) -> None:
    reference = [(0, 20, "Ann"), (30, 20, "Ben"), (60, 30, "Ben")]
    assert cost_of(hypothesis, reference).by_kind == kinds


def test_boundaries_within_the_tolerance_stay() -> None:
    reference = [(0, 20, "Ann"), (30, 20, "Ben")]
    assert cost_of([(0, 22, "A"), (29, 21, "B")], reference, 0.25).by_kind.total() == 0


def test_two_people_in_one_turn_are_split() -> None:
    reference = [(0, 20, "Ann"), (20, 30, "Ben"), (60, 50, "Ben")]
    found = cost_of([(0, 50, "A"), (60, 50, "B")], reference)
    assert found.by_kind == {"split_turn": 1, "reassign": 1}


def test_more_like_this_reassigns_what_is_alike_at_once() -> None:
    reference = [(40 * n, 20, "Ann" if n % 2 else "Ben") for n in range(8)] + [(400, 90, "Ben")]
    hypothesis = [(start, length, "A") for start, length, _ in reference]

    def similar(turns: Sequence[EditableTurn], number: int) -> list[tuple[int, float]]:
        return [(turn.number, 0.5) for turn in turns if turn.number != number]

    cost = Cost(hours=1.0)
    edited = EditedDiarization.of(annotate(hypothesis))
    correct(edited, annotate(reference), cost, similar=similar)
    assert cost.by_kind == {"reassign": 2}
    assert cost.alike == 2
    assert cost.before.der > cost.after_alike.der == cost.after.der == 0.0
    one_by_one = cost_of(hypothesis, reference)
    assert one_by_one.by_kind == {"reassign": 4}
