"""Errors by channel, on toy voices whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from diarspk.verification.calibration import ScoreCalibration
from diarspk.verification.scoring import PairScorer
from eval.channels.__main__ import compare_channels


def test_errors_by_channel_are_counted() -> None:
    speakers = np.array(["a", "a", "b", "b", "c", "c"])
    groups = np.array(["x"] * 4 + ["y"] * 2)
    recorded = np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 2, 2]]
    called = np.ones((6, 3), np.float32) / np.sqrt(3, dtype=np.float32)  # all are the same
    scorer = PairScorer("cosine", ScoreCalibration(10.0, -9.0, {}))  # from a cosine of 0.9
    found = compare_channels(recorded, called, speakers, groups, {"cosine": scorer})
    rates = {one.channels: (one.miss_rate, one.false_alarm_rate) for one in found}
    assert rates == {
        "both recorded": (0.0, 0.0),
        "both by telephone": (0.0, 1.0),
        "one of each": (1.0, 0.0),
    }
    assert {(one.targets, one.others) for one in found} == {(3, 4)}
    assert found[0].cllr == pytest.approx((np.log2(1 + np.exp(-1)) + np.log2(1 + np.exp(-9))) / 2)
