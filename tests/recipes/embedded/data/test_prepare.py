"""Degraded copies of training speech."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.embedded.data.degradation import SPEED, add_noise, degrade
from recipes.embedded.data.prepare import (
    ALTERED_UTTERANCES,
    VARIANTS,
    Degradations,
    Packed,
    altered_utterances,
    write,
)
from recipes.embedded.data.shards import fill_digital_silence


def white(samples, scale=0.1, seed=0):
    return (scale * np.random.default_rng(seed).normal(size=samples)).astype(np.float32)


def ratio_db(audio, noisy):
    return 10 * np.log10(np.mean(audio**2) / np.mean((noisy - audio) ** 2))


@settings(deadline=None, max_examples=30)
@given(
    st.floats(-10, 30),
    st.integers(100, 5000),
    st.integers(100, 5000),
    st.sampled_from([1e-3, 0.1]),
)
def test_noise_is_added_at_its_ratio(ratio, samples, noise_samples, scale):
    audio, noise = white(samples), white(noise_samples, scale, seed=1)
    noisy = add_noise(audio, noise, ratio)
    assert noisy.shape == audio.shape and noisy.dtype == np.float32
    assert ratio_db(audio, noisy) == pytest.approx(ratio, abs=0.05)
    added = noisy - audio
    correlation = np.corrcoef(added, np.resize(noise, samples))[0, 1]  # short noises repeat
    assert correlation > 0.999


def test_silence_adds_nothing_and_stays_silent():
    audio, silence = white(1000), np.zeros(1000, np.float32)
    np.testing.assert_array_equal(add_noise(audio, silence, 0.0), audio)
    np.testing.assert_array_equal(add_noise(silence, audio, 0.0), silence)


def test_noisy_copies_are_above_their_noise():
    audio, room = white(8000), np.ones(1, np.float32)  # a room that changes nothing
    noises = [white(3000, seed=1), white(20000, seed=2)]
    ratios = [
        ratio_db(audio, degrade(audio, "noisy", [room], noises, np.random.default_rng(seed)))
        for seed in range(30)
    ]
    assert -0.1 < min(ratios) < 5
    assert 15 < max(ratios) < 20.1


@pytest.mark.parametrize("variant", dict.fromkeys(VARIANTS))
def test_copies_last_as_long_as_the_recording(variant):
    audio, rooms, noises = white(16000), [white(400, seed=3)], [white(5000, seed=1)]
    for seed in range(6):
        copy = degrade(audio, variant, rooms, noises, np.random.default_rng(seed))
        assert np.isfinite(copy).all()
        assert len(copy) == pytest.approx(16000 / SPEED.get(variant, 1.0), abs=1)
        again = degrade(audio, variant, rooms, noises, np.random.default_rng(seed))
        np.testing.assert_array_equal(copy, again)
    np.testing.assert_array_equal(audio, white(16000))  # nothing was changed in place


def test_digital_silence_gets_a_noise_floor():
    audio = white(16000)
    generator = np.random.default_rng(0)
    assert fill_digital_silence(audio, generator) is audio
    gated = audio.copy()
    gated[4000:8000] = 0
    filled = fill_digital_silence(gated, generator)
    level = 20 * np.log10(filled[4000:8000].std())
    assert -80.5 < level < -59.5 and filled.dtype == np.float32
    assert ratio_db(gated, filled) > 35
    crossing = audio.copy()
    crossing[100:200] = 0  # shorter than 20 ms
    assert fill_digital_silence(crossing, generator) is crossing


def test_a_few_utterances_of_known_speakers_are_altered():
    speakers = {f"{letter}{number}": letter for letter in "ab" for number in range(5)}
    altered = altered_utterances({**speakers, "b9": "?", "c": "one"})
    first = {f"{letter}{number}" for letter in "ab" for number in range(ALTERED_UTTERANCES)}
    assert altered == first | {"c"}
    degradations = Degradations([], [], altered)
    assert degradations.copies("c") == VARIANTS
    assert set(VARIANTS) - set(degradations.copies("b9")) == set(SPEED)


def test_parts_are_written_as_they_come(tmp_path):
    blocks = [white(80 * frames, seed=frames).reshape(frames, 80) for frames in (3, 5, 2)]
    parts = [
        Packed(
            block.astype(np.float16),
            [{"utterance": str(len(block)), "variant": "recorded", "frames": len(block)}],
        )
        for block in blocks
    ]
    write(iter(parts), tmp_path)
    features = np.load(tmp_path / "features.npy", mmap_mode="r")
    np.testing.assert_array_equal(features, np.concatenate(blocks).astype(np.float16))
    rows = (tmp_path / "index.csv").read_text().split()
    assert rows == ["utterance,variant,start,frames", "3,recorded,0,3", "5,recorded,3,5",
                    "2,recorded,8,2"]  # fmt: skip
