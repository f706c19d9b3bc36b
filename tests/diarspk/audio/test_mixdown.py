"""Mono of several channels: the plain mean, unless they cancel out."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.audio import load_audio
from diarspk.audio.mixdown import Mixdown
from diarspk.errors import AudioWarning

RATE = 16000


def voice(seed: int, seconds: float = 3.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def test_opposite_channels_are_kept_and_told() -> None:
    one = voice(0)
    with pytest.warns(AudioWarning, match=r"channels cancel each other out for 3\.0 s.*--channel"):
        mono = load_audio(np.stack([one, -one]), RATE)
    np.testing.assert_allclose(mono, one, atol=1e-6)


def test_nearly_opposite_channels_of_another_level() -> None:
    one = voice(0)
    with pytest.warns(AudioWarning, match="cancel"):
        mono = load_audio(np.stack([one, -0.8 * one + voice(1) / 20]), RATE)
    assert np.corrcoef(mono, one)[0, 1] > 0.99


@pytest.mark.parametrize("pitch", [0, 50, 60])
def test_an_offset_or_a_hum_does_not_hide_that_speech_cancels(pitch: int) -> None:
    one, time = voice(0), np.arange(3 * RATE) / RATE
    hum = (0.3 * np.cos(2 * np.pi * pitch * time)).astype(np.float32)
    with pytest.warns(AudioWarning, match=r"for 3\.0 s"):
        mono = load_audio(np.stack([one + hum, -one + hum]), RATE)
    assert abs(np.corrcoef(np.diff(mono), np.diff(one))[0, 1]) > 0.99


def test_a_hum_in_opposite_phase_does_not_turn_speech_over() -> None:
    one, time = voice(0), np.arange(3 * RATE) / RATE
    hum = (0.3 * np.cos(2 * np.pi * 50 * time)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mono = load_audio(np.stack([one + hum, one - hum]), RATE)
    np.testing.assert_allclose(mono, one, atol=1e-6)


def test_two_pairs_of_opposite_channels() -> None:
    one, two = voice(0), voice(1)
    with pytest.warns(AudioWarning, match="cancel"):
        mono = load_audio(np.stack([one, -one, two, -two]), RATE)
    for part in (one, two):
        assert abs(np.corrcoef(mono, part)[0, 1]) > 0.6


def test_only_the_seconds_that_cancel_are_mixed_otherwise() -> None:
    one, two = voice(0, 6.0), voice(1, 6.0)
    two[2 * RATE : 4 * RATE] = -one[2 * RATE : 4 * RATE]
    with pytest.warns(AudioWarning, match=r"for 2\.0 s"):
        mono = load_audio(np.stack([one, two]), RATE)
    plain = np.stack([one, two]).mean(axis=0)
    np.testing.assert_array_equal(mono[: 2 * RATE], plain[: 2 * RATE])
    np.testing.assert_array_equal(mono[4 * RATE + 160 :], plain[4 * RATE + 160 :])
    middle = slice(2 * RATE + 160, 4 * RATE)
    np.testing.assert_allclose(np.abs(mono[middle]), np.abs(one[middle]), atol=1e-6)


@pytest.mark.parametrize(
    "channels",
    [
        np.stack([voice(0), voice(1)]),  # two microphones
        np.stack([voice(0), voice(0)]),
        np.stack([voice(0), np.zeros_like(voice(0))]),
        np.stack([voice(seed) for seed in range(8)]),
        np.stack([1e-5 * voice(0), -1e-5 * voice(0)]),  # the last bits of silence
        np.zeros((2, RATE), np.float32),
    ],
)
def test_other_recordings_are_the_plain_mean(channels: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mono = load_audio(channels, RATE)
    np.testing.assert_array_equal(mono, channels.mean(axis=0))


@given(
    seed=st.integers(0, 1000),
    signs=st.lists(st.sampled_from([-1.0, 1.0]), min_size=2, max_size=6),
    cut=st.integers(1, 40000),
)
@settings(max_examples=40, deadline=None)
def test_a_voice_is_never_lost_and_chunks_do_not_matter(
    seed: int, signs: list[float], cut: int
) -> None:
    channels = np.outer(signs, voice(seed)).astype(np.float32)
    whole = np.concatenate(list(Mixdown(RATE).mix([channels])))
    pieces = np.split(channels, range(cut, channels.shape[1], cut), axis=1)
    joined = np.concatenate(list(Mixdown(RATE).mix(pieces)))
    np.testing.assert_array_equal(joined, whole)
    power = np.square(channels, dtype=float).mean()
    kept = np.square(whole, dtype=float).mean() * len(channels) / power
    assert kept > 0.19  # at worst what unrelated channels would keep, less 7 dB
