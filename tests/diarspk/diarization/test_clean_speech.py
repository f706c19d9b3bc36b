"""Clean speech: spans in which one speaker talks alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyannote.core import Annotation, Segment

from diarspk.diarization.clean_speech import EDGE_S, MIN_SPAN_S, find_clean_spans


def annotate(*turns: tuple[float, float, str]) -> Annotation:
    annotation = Annotation(uri="meeting")
    for track, (start, end, speaker) in enumerate(turns):
        annotation[Segment(start, end), track] = speaker
    return annotation


def test_overlap_edges_and_short_rests_are_left_out() -> None:
    annotation = annotate((0, 4, "a"), (3, 6, "b"), (6.2, 6.7, "a"), (7, 9, "a"))
    found = find_clean_spans(annotation)
    assert found["a"] == [(EDGE_S, pytest.approx(3 - EDGE_S)), (7 + EDGE_S, 9 - EDGE_S)]
    assert found["b"] == [(4 + EDGE_S, 6 - EDGE_S)]


def test_the_longest_spans_are_taken_up_to_a_limit() -> None:
    annotation = annotate((0, 2.1, "a"), (3, 9.1, "a"), (10, 13.1, "a"))
    assert find_clean_spans(annotation, limit=8.0)["a"] == [
        (3.05, pytest.approx(9.05)),
        (10.05, pytest.approx(12.05)),
    ]


turns = st.lists(
    st.tuples(st.floats(0, 20), st.floats(0.01, 5), st.sampled_from("abc")), max_size=12
)


@settings(deadline=None)
@given(turns, st.floats(1, 20))
def test_nobody_else_talks_in_clean_speech(
    drawn: list[tuple[float, float, str]], limit: float
) -> None:
    annotation = annotate(*((start, start + length, who) for start, length, who in drawn))
    for speaker, spans in find_clean_spans(annotation, limit=limit).items():
        assert sum(end - start for start, end in spans) <= limit + 1e-6
        for start, end in spans:
            assert end - start >= MIN_SPAN_S - 1e-6
            inside = annotation.crop(Segment(start, end))
            assert inside.labels() == [speaker]
            assert inside.get_timeline().support().duration() == pytest.approx(end - start)
