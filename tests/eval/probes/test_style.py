"""Explained variance of timbre, pitch and energy: hand-worked, and what must not change it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diarspk.errors import ArgumentError
from eval.probes.decoder import spread_cue
from eval.probes.style import CONTOURS, LEVELS, Spoken, measure_style

FRAMES, MELS = 40, 5


def utterance(speaker: int, take: int) -> Spoken:
    """A speaker and a take, each with a spectrum and a pitch; every third frame is unvoiced."""
    random = np.random.default_rng([speaker, take])
    log_mel = speaker * np.arange(MELS) + random.normal(size=(FRAMES, MELS)) * (1 + take)
    pitch = 7 + 0.2 * speaker + 0.05 * take + 0.1 * random.normal(size=FRAMES)
    pitch[::3] = np.nan
    return Spoken(f"s{speaker}", log_mel, log_mel, pitch, np.nan_to_num(pitch))


SPOKEN = [utterance(speaker, take) for speaker in range(4) for take in range(3)]


def by_factor(spoken: list[Spoken]) -> dict[str, tuple[float, float]]:
    found = measure_style(spoken, resamples=20)
    return {one.factor: (one.all.value, one.within.value) for one in found}


def test_what_is_handed_over_wholly_is_explained_wholly() -> None:
    for one in measure_style(SPOKEN, resamples=20):
        assert one.all.low == one.all.value == one.all.high == pytest.approx(1)
        assert one.within.value == pytest.approx(1)
    assert set(by_factor(SPOKEN)) == set(LEVELS) | set(CONTOURS)


def test_a_constant_explains_nothing() -> None:
    spectrum = np.mean([one.log_mel.mean(axis=0) for one in SPOKEN], axis=0)
    pitch = np.mean([np.nanmean(one.pitch) for one in SPOKEN])
    flat = [
        replace(
            one,
            made_log_mel=np.tile(spectrum, (FRAMES, 1)),
            made_pitch=np.full(FRAMES, pitch),
        )
        for one in SPOKEN
    ]
    found = by_factor(flat)
    for factor in ("mean spectrum", "mean pitch"):
        assert found[factor] == pytest.approx((0, 0), abs=1e-9)
    for factor in CONTOURS:
        assert found[factor][0] == pytest.approx(0, abs=1e-9)
    assert found["energy range"][0] < 0  # no range at all is worse than the mean range


def test_the_mean_of_a_speaker_is_identity_and_no_style() -> None:
    means = {
        name: np.mean([np.nanmean(one.pitch) for one in SPOKEN if one.speaker == name])
        for name in {one.speaker for one in SPOKEN}
    }
    known = [replace(one, made_pitch=np.full(FRAMES, means[one.speaker])) for one in SPOKEN]
    whole, within = by_factor(known)["mean pitch"]
    assert 0.5 < whole < 1
    assert within == pytest.approx(0, abs=1e-9)


def test_pitch_by_hand() -> None:
    def one(speaker: str, pitch: float, made: float) -> Spoken:
        log_mel = np.zeros((2, 1))
        return Spoken(speaker, log_mel, log_mel, np.full(2, pitch), np.full(2, made))

    spoken = [one("a", 1, 2), one("a", 3, 2), one("b", 5, 6), one("b", 7, 6)]
    whole, within = by_factor(spoken)["mean pitch"]
    assert whole == pytest.approx(1 - 4 / 20)  # errors of 1 each; 3, 1, 1, 3 from the mean of 4
    assert within == pytest.approx(0)


def test_unvoiced_frames_do_not_count() -> None:
    loud = []
    for one in SPOKEN:
        made = one.made_pitch.copy()
        made[::3] = 99
        loud.append(replace(one, made_pitch=made))
    assert by_factor(loud)["mean pitch"] == by_factor(SPOKEN)["mean pitch"]
    assert by_factor(loud)["pitch contour"] == by_factor(SPOKEN)["pitch contour"]


def test_utterances_that_do_not_fit() -> None:
    with pytest.raises(ArgumentError, match="one utterance at least"):
        measure_style([])
    with pytest.raises(ArgumentError, match="as many frames made as real"):
        measure_style([replace(SPOKEN[0], made_pitch=np.zeros(3))])


def test_a_sequence_is_spread_evenly() -> None:
    cue = np.array([[0.0, 1.0], [2.0, 5.0]], np.float32)
    spread = spread_cue(cue, 5)
    np.testing.assert_allclose(spread[:, 0], [0, 0.5, 1, 1.5, 2])
    np.testing.assert_allclose(spread[[0, -1]], cue)
    np.testing.assert_array_equal(spread_cue(cue[:1], 3), np.repeat(cue[:1], 3, axis=0))
