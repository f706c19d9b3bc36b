"""The crossed bootstrap against variances worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from diarspk.errors import ArgumentError
from eval.correlation.measures import EncoderFigures
from eval.correlation.resampling import Resamples, draw_encoders, draw_weights, resample

SESSIONS = np.array([0.0, 1.0, 5.0, 2.0, 2.0, 8.0])
ENCODERS = np.array([3.0, 9.0, 4.0, 0.0])


@dataclass(frozen=True)
class Additive:
    """An encoder whose measure in a session is the sum of what both bring."""

    level: float
    origin: str

    @property
    def cllr(self) -> NDArray[np.float64]:
        return SESSIONS

    @property
    def pairs(self) -> Any:
        return SimpleNamespace(people=3)

    def measure(self, sessions: Any = None, people: Any = None) -> dict[str, float]:
        weights = np.ones(len(SESSIONS)) if sessions is None else sessions
        return {"level": self.level + float(weights @ SESSIONS) / weights.sum()}


@pytest.fixture(scope="module")
def found() -> Resamples:
    encoders = [Additive(level, f"{number}") for number, level in enumerate(ENCODERS)]
    figures = cast("list[EncoderFigures]", encoders)
    return resample(figures, (2, len(SESSIONS) - 2), resamples=6000, seed=1)


def test_the_variance_over_both_is_the_sum_of_both(found: Resamples) -> None:
    """Of a mean over ``n`` drawn values: their variance (over ``n``) divided by ``n``.

    Sessions are drawn within their set: two of the first, four of the second.
    """
    first, second = SESSIONS[:2], SESSIONS[2:]
    sessions = (2 * first.var() + 4 * second.var()) / 36  # sums of 2 and 4 draws, over 6 squared
    encoders = ENCODERS.var() / len(ENCODERS)
    for drawn, expected in (
        (found.over_sessions("level"), sessions),
        (found.over_encoders("level"), encoders),
        (found.crossed("level"), sessions + encoders),
    ):
        assert np.var([one.mean() for one in drawn]) == pytest.approx(expected, rel=0.07)


def test_what_was_not_drawn_is_measured_as_it_is(found: Resamples) -> None:
    assert found.columns("level") == pytest.approx((ENCODERS + SESSIONS.mean())[None])


def test_encoders_of_one_origin_are_drawn_together() -> None:
    origins = ["a", "b", "a", "c", "a"]
    counts = [
        np.bincount(draw_encoders(origins, np.random.default_rng(seed)), minlength=5)
        for seed in range(50)
    ]
    for one in counts:
        assert one[0] == one[2] == one[4]
        assert one[0] + one[1] + one[3] == 3
    assert {int(one[0]) for one in counts} >= {0, 1, 2}


def test_weights_add_up_to_the_number_of_draws() -> None:
    for count in (0, 1, 7):
        assert draw_weights(count, np.random.default_rng(0)).sum() == count


def test_strata_that_are_not_all_sessions_are_refused() -> None:
    with pytest.raises(ArgumentError, match="add up to 6 sessions"):
        resample(cast("list[EncoderFigures]", [Additive(0.0, "a")]), (2, 3))
