"""The Jaccard error on frames that are counted, against a grid of all frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline
from scipy.optimize import linear_sum_assignment

from diarspk.metrics import CONVENTIONS, break_down, draw_timeline, score
from diarspk.metrics.frame_jaccard import frame_jaccard_errors

UNIX = 1764480000.0
times = st.integers(0, 3000).map(lambda hundredths: hundredths / 100) | st.floats(0, 30)
turns = st.lists(st.tuples(times, times, st.sampled_from("abc")), max_size=8)


def annotated(spans: list[tuple[float, float, str]]) -> Annotation:
    annotation = Annotation(uri="talk")
    for track, (start, end, label) in enumerate(spans):
        if Segment(min(start, end), max(start, end)):
            annotation[Segment(min(start, end), max(start, end)), track] = label
    return annotation


def on_a_grid(reference: Annotation, hypothesis: Annotation, uem: Timeline) -> NDArray[np.float64]:
    """The same by dscore's way: an array of all frames from 0 to the end of the UEM."""
    grid = 0.01 * np.arange(int(uem.extent().end / 0.01) if uem else 0)

    def cover(timeline: Timeline) -> NDArray[np.bool_]:
        covered = np.zeros(len(grid), np.bool_)
        for segment in timeline:
            first, last = np.searchsorted(grid, tuple(segment))
            covered[first:last] = True
        return covered[cover(uem)] if timeline is not uem else covered

    sides = [
        [cover(each.crop(uem).label_timeline(label)) for label in each.crop(uem).labels()]
        for each in (reference, hypothesis)
    ]
    errors = np.ones((len(sides[0]), len(sides[1])))
    for row, one in enumerate(sides[0]):
        for column, other in enumerate(sides[1]):
            union = (one | other).sum()
            errors[row, column] = 1 - (one & other).sum() / union if union else 1.0
    best = np.ones(len(errors))
    rows, columns = linear_sum_assignment(errors)
    best[rows] = errors[rows, columns]
    return best


@given(reference=turns, hypothesis=turns, regions=turns)
@settings(max_examples=150, deadline=None)
def test_counted_frames_are_those_of_a_grid(
    reference: list[tuple[float, float, str]],
    hypothesis: list[tuple[float, float, str]],
    regions: list[tuple[float, float, str]],
) -> None:
    sides, uem = (annotated(reference), annotated(hypothesis)), annotated(regions).get_timeline()
    errors = frame_jaccard_errors(*sides, uem.support())
    np.testing.assert_array_equal(errors, on_a_grid(*sides, uem.support()))


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_times_of_day_in_seconds_since_1970_score_as_others(convention: str) -> None:
    spans = [(2.0, 8.0, "a"), (7.0, 12.0, "b")]
    found = [(2.5, 8.0, "x"), (8.0, 13.0, "y")]
    early, late = (
        [
            annotated([(at + start, at + end, label) for start, end, label in side])
            for side in (spans, found)
        ]
        for at in (0.0, UNIX)
    )
    for regions in (None, (0.0, 20.0)):
        scored = [
            score(
                *sides,
                None if regions is None else Timeline([Segment(at + regions[0], at + regions[1])]),
                convention=convention,
            ).pooled
            for at, sides in ((0.0, early), (UNIX, late))
        ]
        assert scored[1].der == pytest.approx(scored[0].der, abs=1e-6)
        assert scored[1].jer == pytest.approx(scored[0].jer, abs=1e-3)
    far = Timeline([Segment(0, 1e11)])
    assert score(early[0], early[0], far, convention=convention).der == 0
    assert break_down(*late, convention=convention).count_accuracy == 1


@pytest.mark.parametrize("end", [20.0, 1e5, 1e7, 1e11])
def test_a_picture_stays_small_however_long_the_time(end: float) -> None:
    reference = annotated([(2.0, 8.0, "a"), (end - 8, end, "b")])
    picture = draw_timeline(reference, reference)
    assert len(picture) < 20_000
    assert 2 <= picture.count(" s</text>") <= 30
