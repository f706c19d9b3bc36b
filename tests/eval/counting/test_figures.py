"""Figures of the counting benchmark, against hand-worked ones."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diarspk.metrics import Components
from eval.counting.calibration import Forecast, calibration_error, forecasts, reliability
from eval.counting.measurement import Condition, Measurement
from eval.counting.peak_memory import peak_megabytes, reset_peak
from eval.counting.plot import plot_counts
from eval.counting.session_plan import SessionPlan
from eval.counting.summary import GROUPS, Summary, cost_of_telling, group
from eval.counting.tables import format_tables


def measured(
    people: int,
    found: int,
    *,
    name: str = "one",
    wrong: float = 0.0,
    speech: float = 100.0,
    condition: Condition = "automatic",
    posterior: dict[int, float] | None = None,
    minutes: float = 1.0,
) -> Measurement:
    return Measurement(
        SessionPlan(name, people, minutes),
        "diarspk",
        condition,
        Components(total=speech, confusion=wrong),
        people,
        found,
        talkative=people - 1,
        found_talkative=found - 1,
        posterior=posterior or {},
        seconds=6.0,
        megabytes=10.0 * people,
    )


def test_counts_are_pooled() -> None:
    summary = Summary([measured(2, 2), measured(4, 3, wrong=20.0), measured(5, 6)])
    assert summary.right == pytest.approx(1 / 3)
    assert summary.count_error == pytest.approx((0 + 1 / 4 + 1 / 5) / 3)
    assert summary.talkative_error == pytest.approx((0 + 1 / 3 + 1 / 4) / 3)
    assert (summary.people, summary.found) == pytest.approx((11 / 3, 11 / 3))
    assert summary.components.der == pytest.approx(20 / 300)
    assert summary.real_time_factor == pytest.approx(0.1)
    assert summary.megabytes == 50.0


def test_long_sessions_weigh_more_in_the_pooled_error_alone() -> None:
    short, long = measured(2, 2, wrong=50.0), measured(2, 2, speech=300.0)
    pooled = Summary([short, long])
    assert pooled.components.der == pytest.approx(50 / 400)
    assert pooled.mean_der == pytest.approx((0.5 + 0.0) / 2)


def test_groups_come_in_order_and_hold_everything() -> None:
    several = [measured(12, 12), measured(2, 2), measured(12, 11)]
    groups = group(several, GROUPS["people"])
    assert list(groups) == [2, 12]
    assert sum(map(len, groups.values())) == 3


def test_the_cost_of_telling_is_each_sessions_own() -> None:
    automatic = [measured(2, 2, name="a", wrong=10.0), measured(2, 2, name="b", wrong=5.0)]
    given_ = [measured(2, 2, name="a", wrong=4.0), measured(2, 2, name="b", wrong=8.0)]
    cost = cost_of_telling(given_, automatic)
    assert cost == pytest.approx({"a": -0.06, "b": 0.03})


def test_a_hand_worked_calibration_error() -> None:
    made = [Forecast(0.95, True, 0.95)] * 3 + [Forecast(0.95, False, 0.0)]
    made += [Forecast(0.55, True, 0.55), Forecast(0.55, False, 0.1)]
    # four at 0.95 of which 0.75 are right, two at 0.55 of which 0.5 are
    assert calibration_error(made) == pytest.approx((4 * 0.2 + 2 * 0.05) / 6)
    assert [(one.sessions, one.right) for one in reliability(made)] == [(2, 0.5), (4, 0.75)]


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40))
def test_calibration_error_is_a_share_and_bins_hold_every_forecast(
    drawn: list[tuple[float, bool]],
) -> None:
    made = [Forecast(probability, right, probability) for probability, right in drawn]
    assert 0 <= calibration_error(made) <= 1
    assert sum(one.sessions for one in reliability(made)) == len(made)


def test_forecasts_that_are_as_often_right_as_they_say_have_a_small_error() -> None:
    generator = np.random.default_rng(1)
    said = generator.uniform(0.2, 1.0, 20_000)
    true = generator.uniform(size=len(said)) < said
    made = [Forecast(float(one), bool(right), 0.0) for one, right in zip(said, true, strict=True)]
    assert calibration_error(made) < 0.02


def test_forecasts_are_of_the_likeliest_number() -> None:
    several = [
        measured(3, 3, posterior={2: 0.3, 3: 0.7}),
        measured(3, 4, posterior={3: 0.4, 4: 0.6}),
        measured(3, 3),
    ]
    assert forecasts(several) == [(0.7, True, 0.7), (0.6, False, 0.4)]
    assert forecasts(several, talkative=True) == [(0.7, False, 0.3), (0.6, False, 0.0)]


def test_tables_show_conditions_groups_and_the_posterior() -> None:
    several = [
        measured(2, 2, posterior={2: 1.0}),
        measured(2, 2, condition="given", wrong=1.5),
        measured(8, 6, name="two", minutes=15.0, posterior={6: 0.8, 8: 0.2}),
    ]
    text = format_tables(several, per_session=True)
    first = text.split("\n\n")[0].splitlines()
    assert [line.split("|")[2].strip() for line in first[2:]] == ["automatic", "given"]
    assert "+1.5" in first[3]
    assert "Expected calibration error 40.0 %" in text
    assert "one room, equal" in text
    assert all(f" {name} " in text for name in GROUPS)


def test_the_picture_has_a_panel_for_each_system(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot_counts([measured(2, 2), measured(60, 41), measured(3, 0)], tmp_path / "counts.svg")
    assert ElementTree.parse(tmp_path / "counts.svg").getroot().tag.endswith("svg")


def test_the_peak_of_memory_begins_anew() -> None:
    reset_peak()
    before = peak_megabytes()
    held = np.ones(12_500_000)  # 100 MB
    grown = peak_megabytes()
    assert grown - before > 80
    assert held.sum() > 0
