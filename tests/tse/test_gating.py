"""Gates of tracks, and how much of the rest stays in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyannote.core import Annotation, Segment, Timeline

from diarspk.diarization.speaker_activity import SpeakerActivity
from diarspk.errors import ArgumentError
from tse.gating import Gate, GateConfig, keep_rest, make_gate

RATE = 16000


def test_a_gate_is_open_in_turns_and_shut_far_from_them() -> None:
    gate = Gate(Timeline([Segment(11, 12), Segment(50, 51)]), fade_s=0.3)
    weights = gate.weights(10 * RATE, 4 * RATE)
    assert (weights[RATE : 2 * RATE] == 1).all()
    assert not weights[: round(0.69 * RATE)].any() and not weights[round(2.31 * RATE) :].any()
    assert (np.diff(weights[: 2 * RATE]) >= 0).all()
    assert gate.is_shut(0, 10 * RATE) and not gate.is_shut(10 * RATE, RATE)
    assert gate.open_between(11.5, 60.0) == [(11.5, 12.0), (50.0, 51.0)]


@given(cut=st.integers(1, 63999), starts=st.lists(st.floats(0, 3), min_size=1, max_size=4))
def test_weights_do_not_depend_on_blocks(cut: int, starts: list[float]) -> None:
    gate = Gate(Timeline([Segment(start, start + 0.4) for start in starts]).support())
    whole = gate.weights(0, 64000)
    parts = np.concatenate([gate.weights(0, cut), gate.weights(cut, 64000 - cut)])
    np.testing.assert_array_equal(whole, parts)
    assert not (gate.is_shut(0, cut) and whole[:cut].any())


def test_probabilities_open_a_gate_beyond_the_turns() -> None:
    annotation = Annotation()
    annotation[Segment(0.0, 1.0)] = "A"
    frames = np.zeros((50, 2), np.float32)
    frames[30:35, 0], frames[45:, 0] = 0.4, 0.2  # 1.2 to 1.4 s, and too little
    activity = SpeakerActivity(("A", "B"), frames, 0.04)
    gate = make_gate(annotation, "A", activity, GateConfig(min_probability=0.3))
    assert [(round(o.start, 2), round(o.end, 2)) for o in gate.stretches] == [(0, 1), (1.2, 1.4)]
    assert list(make_gate(annotation, "A").stretches) == [Segment(0, 1)]


@given(st.floats(0, 80), st.integers(0, 100))
def test_nothing_is_lower_than_it_was_asked_to_be(mask_db: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    mixture = generator.normal(size=100).astype(np.float32)
    silent = keep_rest(np.zeros(100, np.float32), mixture, mask_db)
    np.testing.assert_allclose(silent, mixture * 10 ** (-mask_db / 20), atol=1e-5)
    voice = generator.normal(size=100).astype(np.float32)
    np.testing.assert_allclose(
        keep_rest(voice, mixture, mask_db) - voice,
        10 ** (-mask_db / 20) * (mixture - voice),
        atol=1e-5,
    )
    np.testing.assert_allclose(keep_rest(voice, mixture, 0.0), mixture, atol=1e-5)
    np.testing.assert_array_equal(keep_rest(voice, mixture, None), voice)


@pytest.mark.parametrize("mask_db", [-1.0, float("nan"), float("inf"), "6"])
def test_an_attenuation_is_a_number_of_decibels(mask_db: float) -> None:
    with pytest.raises(ArgumentError, match="mask_db"):
        keep_rest(np.zeros(1, np.float32), np.zeros(1, np.float32), mask_db)
