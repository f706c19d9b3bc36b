"""The level of speech stays where it is, whatever else is loud."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from diarspk.audio import open_audio
from diarspk.features import recording as recording_module
from diarspk.features.level import CEILING, speech_level
from diarspk.features.log_mel import LogMel, gated_level
from diarspk.features.recording import Recording, analyse

RATE = 16000
DECIBEL = np.log(10) / 10
Samples = NDArray[np.float32]


def syllables(seconds: float, rms: float, seed: int = 0) -> Samples:
    """Noise whose level moves as that of syllables and phrases does, over a quiet background."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    decibels = 8 * np.sin(2 * np.pi * 3.3 * time) + 4 * np.sin(2 * np.pi * 9.1 * time + 1)
    envelope = 10 ** (decibels / 20) * (np.sin(2 * np.pi * 0.3 * time) > -0.6)
    wave = generator.normal(size=len(time)) * (envelope + 0.003)
    return np.asarray(wave * rms / np.sqrt(np.mean(wave**2)), np.float32)


def event(kind: str, length: int) -> Samples:
    """A loud event within the first six seconds."""
    wave, generator = np.zeros(length, np.float32), np.random.default_rng(1)
    samples = np.arange(RATE * 6)
    if kind == "spike":
        wave[50000] = 1e6
    elif kind == "knock":
        wave[16000:18400] = generator.normal(size=2400) * np.exp(-np.arange(2400) / 800) * 0.5
    elif kind == "knocks":
        for start in range(16000, 80000, 8000):
            wave[start : start + 2400] = generator.normal(size=2400) * 0.3
    elif kind == "slam":
        wave[16000:48000] = generator.normal(size=32000) * np.exp(-np.arange(32000) / 6000) * 0.9
    elif kind == "claps":
        for start in range(16000, 48000, 2300):
            decay = np.exp(-np.arange(1600) / 400)
            wave[start : start + 1600] = generator.normal(size=1600) * decay
    elif kind == "rustle":
        gains = generator.uniform(0, 1, 40) ** 2
        wave[16000:48000] = 0.5 * generator.normal(size=32000) * np.repeat(gains, 800)
    elif kind == "siren":
        time = np.arange(80000) / RATE
        wave[:80000] = 0.8 * np.sin(5655 * time + 125 * np.sin(8 * np.pi * time))
    elif kind == "telephone":
        time = np.arange(32000) / RATE
        wave[16000:48000] = 0.8 * np.sin(2765 * time) * (np.sin(40 * np.pi * time) > 0)
    elif kind == "glass":
        time = np.arange(16000) / RATE
        tones = sum(np.sin(2 * np.pi * pitch * time) for pitch in (2100, 3300, 5200))
        wave[16000:32000] = 0.25 * tones * np.exp(-6 * time)
    elif kind == "noise":
        wave[16000:64000] = 0.3 * generator.normal(size=48000)
    else:
        on = {
            "beep": samples < 80000,
            "ring": samples % 16000 < 6400,
            "dial": samples % 3200 < 1600,
        }
        wave[: len(samples)] = 0.7 * np.sin(2 * np.pi * 440 / RATE * samples) * on[kind]
    return wave


def analysed(wave: Samples) -> Recording:
    return analyse(open_audio(wave, RATE), LogMel())


KINDS = ["spike", "knock", "knocks", "noise", "beep", "ring", "dial"]
VARYING = ["slam", "claps", "rustle", "siren", "telephone", "glass"]
"""Events whose power moves as that of syllables."""


@pytest.mark.parametrize("kind", [*KINDS, *VARYING])
def test_a_loud_event_does_not_move_the_level(kind: str) -> None:
    speech = syllables(30.0, 0.003)
    alone, beside = analysed(speech), analysed(speech + event(kind, len(speech)))
    assert beside.level == pytest.approx(alone.level, abs=4 * DECIBEL)
    loudest = float(gated_level(torch.from_numpy(beside.features.astype(np.float32))))
    assert loudest > alone.level + 15 * DECIBEL  # what a gated mean alone would have taken


def test_events_of_several_kinds_at_once_do_not_move_the_level() -> None:
    speech = syllables(30.0, 0.003)
    loud = sum(event(kind, len(speech)) for kind in ("spike", "knock", "beep"))
    beside = analysed(np.asarray(speech + loud, np.float32))
    assert beside.level == pytest.approx(analysed(speech).level, abs=4 * DECIBEL)


def test_a_beep_in_ten_minutes_does_not_move_the_level() -> None:
    speech = syllables(600.0, 0.003)
    beside = analysed(speech + event("beep", len(speech)))
    assert beside.level == pytest.approx(analysed(speech).level, abs=0.5 * DECIBEL)


@pytest.mark.parametrize("seed", range(5))
def test_speech_alone_has_its_gated_level(seed: int) -> None:
    power = LogMel()(torch.from_numpy(syllables(20.0, 0.05, seed))[None]).exp().mean(-1)
    expected = gated_level(power.log()[..., None])
    torch.testing.assert_close(speech_level(power), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["spike", "knock", "noise", "beep", "ring"])
def test_without_speech_the_level_is_that_of_the_loudest(kind: str) -> None:
    wave = event(kind, RATE * 10) + 1e-4 * np.random.default_rng(2).normal(size=RATE * 10)
    power = LogMel()(torch.from_numpy(wave.astype(np.float32))[None]).exp().mean(-1)
    expected = gated_level(power.log()[..., None])
    torch.testing.assert_close(speech_level(power), expected, atol=1e-4, rtol=0)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 400), st.floats(-60, 60), st.integers(0, 99))
def test_a_gain_moves_the_level_by_itself(frames: int, gain: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    power = torch.from_numpy(10 ** generator.normal(2, 1.5, size=(1, frames)))
    moved = speech_level(power * 10 ** (gain / 10))
    torch.testing.assert_close(moved, speech_level(power) + gain * DECIBEL, atol=1e-6, rtol=0)


def test_a_batch_is_its_items() -> None:
    powers = [
        LogMel()(torch.from_numpy(wave)[None]).exp().mean(-1)
        for wave in (syllables(10.0, 0.05), syllables(10.0, 0.003) + event("beep", RATE * 10))
    ]
    alone = torch.cat([speech_level(power) for power in powers])
    torch.testing.assert_close(speech_level(torch.cat(powers)), alone)


@pytest.mark.parametrize("block_s", [0.05, 1.0, 7.3])
def test_blocks_do_not_show_beside_an_event(
    monkeypatch: pytest.MonkeyPatch, block_s: float
) -> None:
    wave = syllables(20.0, 0.003) + event("beep", RATE * 20)
    expected = analysed(wave).level
    monkeypatch.setattr(recording_module, "BLOCK_S", block_s)
    assert analysed(wave).level == pytest.approx(expected, abs=1e-4)


def test_features_far_above_the_level_are_clipped() -> None:
    found = analysed(syllables(10.0, 0.01) + event("spike", RATE * 10))
    features = found.normalized(0, len(found.features))
    assert float(features.max()) == pytest.approx(CEILING)
    quiet = found.features.astype(np.float32) - found.level < CEILING
    np.testing.assert_array_equal(
        features.numpy()[quiet], (found.features.astype(np.float32) - found.level)[quiet]
    )
