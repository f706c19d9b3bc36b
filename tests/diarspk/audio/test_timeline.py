"""The clock of a container: where sound lies, and which leaps are believed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diarspk.audio.timeline import TOLERANCE_S, Timeline

RATE = 1000


def place(timeline: Timeline, *frames: tuple[int, float | None]) -> np.ndarray:
    pieces = [
        piece
        for length, time in frames
        for piece in timeline.place(np.ones((1, length), np.float32), time)
    ]
    joined = np.concatenate(pieces, axis=1)[0]
    assert len(joined) == timeline.position
    return joined


def test_a_start_and_a_hole_are_honoured() -> None:
    joined = place(Timeline(RATE), (100, 0.05), (100, 0.15), (100, 0.75), (100, None))
    spans = np.flatnonzero(np.diff(joined, prepend=0))
    assert spans.tolist() == [50, 250, 750]


def test_rounded_time_stamps_make_no_holes() -> None:
    jitter = [0.004, -0.003, 0.09, -0.05, 0.0]
    frames = [(100, index * 0.1 + shift) for index, shift in enumerate(jitter)]
    frames[0] = (100, 0.0)
    assert place(Timeline(RATE), *frames).all()


def test_a_step_back_loses_nothing_and_what_follows_keeps_its_distance() -> None:
    timeline = Timeline(RATE)
    joined = place(timeline, (1000, 0.0), (1000, 0.0), (1000, 1.0), (500, 3.0))
    assert joined.sum() == 3500
    assert np.flatnonzero(joined == 0).tolist() == list(range(3000, 4000))
    assert timeline.leaps == []


def test_leaps_that_are_not_believed() -> None:
    timeline = Timeline(RATE, max_hole_s=10.0)
    assert place(timeline, (1000, 0.0), (1000, 500.0), (1000, 501.0)).all()
    assert timeline.leaps == [1.0]
    timeline = Timeline(RATE, max_end_s=5.0)
    assert place(timeline, (1000, 0.0), (1000, 1e9)).all()
    assert timeline.leaps == [1.0]


@given(
    frames=st.lists(
        st.tuples(st.integers(1, 400), st.none() | st.floats(-1e6, 1e6)), min_size=1, max_size=20
    )
)
def test_nothing_is_lost_and_memory_is_bounded(frames: list[tuple[int, float | None]]) -> None:
    timeline = Timeline(RATE, max_hole_s=20.0, max_end_s=100.0)
    joined = place(timeline, *frames)
    assert joined.sum() == sum(length for length, _ in frames)
    assert len(joined) <= joined.sum() + 100 * RATE


@given(
    starts=st.lists(st.floats(TOLERANCE_S + 0.01, 3.0), min_size=1, max_size=10),
    length=st.integers(1, 300),
)
def test_frames_lie_where_their_time_stamps_say(starts: list[float], length: int) -> None:
    times = np.cumsum([gap + length / RATE for gap in starts])
    joined = place(Timeline(RATE), *((length, float(time)) for time in times))
    rises = np.flatnonzero(np.diff(joined, prepend=0) > 0)
    np.testing.assert_allclose(rises / RATE, times, atol=1 / RATE)
