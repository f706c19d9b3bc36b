"""Which kind of reference it is: very short turns, and short gaps between turns of one speaker."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given
from pyannote.core import Annotation, Segment, Timeline

from diarspk import score
from diarspk.errors import ScoringWarning
from diarspk.metrics import ReferenceTurns


def annotate(*turns: tuple[float, float, str]) -> Annotation:
    annotation = Annotation(uri="meeting")
    for track, (start, end, speaker) in enumerate(turns):
        annotation[Segment(start, end), track] = speaker
    return annotation


def count(*turns: tuple[float, float, str], uem: Timeline | None = None) -> ReferenceTurns:
    reference = annotate(*turns)
    return score(reference, reference, uem).reference_turns


def test_turns_and_gaps_are_counted_by_hand() -> None:
    found = count((0, 1, "a"), (1.4, 1.5, "a"), (4, 5, "a"), (1, 1.4, "b"))
    assert found == ReferenceTurns(turns=4, short_turns=1, gaps=2, short_gaps=1)
    assert (found.short_turn_share, found.short_gap_share) == (0.25, 0.5)


def test_limits_themselves_are_not_short_however_files_round() -> None:
    # 1.3 + 0.2 and 2.1 + 0.5 fall just under 1.5 and 2.6 in floating point, or just over.
    for start in (0.0, 0.1, 1.3, 2.1, 4.9):
        found = count((start, start + 0.2, "a"), (start + 0.2 + 0.5, start + 2.0, "a"))
        assert (found.short_turns, found.short_gaps) == (0, 0)


def test_turns_that_meet_or_overlap_are_one() -> None:
    assert count((0, 1, "a"), (1, 2, "a")).turns == 1
    with pytest.warns(ScoringWarning, match="overlap in the"):
        assert count((0, 1, "a"), (1, 2, "a"), (1.5, 3, "a")).turns == 1


def test_a_region_chooses_turns_and_cuts_none() -> None:
    found = count(
        *((0.0, 1.0, "a"), (1.1, 3.0, "a"), (9.0, 10.0, "a")), uem=Timeline([Segment(0.9, 2)])
    )
    assert found == ReferenceTurns(turns=2, short_turns=0, gaps=1, short_gaps=1)


def test_no_reference_has_no_shares() -> None:
    found = score(annotate(), annotate((0, 1, "a"))).reference_turns
    assert (found.turns, found.short_turn_share, found.short_gap_share) == (0, 0.0, 0.0)


@given(st.lists(st.tuples(*[st.integers(0, 9)] * 4), max_size=5))
def test_counts_add_over_files(counts: list[tuple[int, int, int, int]]) -> None:
    total = sum((ReferenceTurns(*one) for one in counts), ReferenceTurns())
    assert total == ReferenceTurns(*(sum(column) for column in zip((0,) * 4, *counts, strict=True)))


def test_the_sentence_and_json_hold_the_same_shares() -> None:
    turns = ReferenceTurns(turns=200, short_turns=5, gaps=80, short_gaps=24)
    assert "2.5 % of 200 turns are shorter than 0.2 s" in str(turns)
    assert "30.0 % of 80 gaps between turns of one speaker shorter than 0.5 s" in str(turns)
    document = turns.as_dict()
    assert (document["short_turn_share"], document["short_gap_share"]) == (0.025, 0.3)
