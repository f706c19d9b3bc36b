"""Sounds that have a pitch and are no speech."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.audio import SAMPLE_RATE
from recipes.embedded.data.tonal_sounds import (
    PITCH_HZ,
    TonalSource,
    draw_steady_tone,
    draw_tonal_sound,
)

STEADY = TonalSource(
    pitch_hz=500.0,
    note_s=1.0,
    pause_s=0.5,
    spread_semitones=0.0,
    glide_semitones=0.0,
    vibrato_hz=5.0,
    vibrato_share=0.0,
    roll_off=1.0,
    breath=0.0,
    resonances=(),
)


@given(st.integers(0, 10**6), st.integers(1, 3 * SAMPLE_RATE))
@settings(max_examples=15, deadline=None)
def test_a_sound_has_its_length_and_a_power_of_one(seed, samples):
    sound = draw_tonal_sound(samples, np.random.default_rng(seed))
    assert sound.shape == (samples,) and sound.dtype == np.float32
    assert np.isfinite(sound).all()
    if samples > SAMPLE_RATE // 10:
        assert np.mean(sound.astype(float) ** 2) == pytest.approx(1.0, rel=1e-3)


def test_the_same_seed_gives_the_same_sound():
    one, same, other = (
        draw_tonal_sound(SAMPLE_RATE, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_steady_note_has_harmonics_of_its_pitch_that_fall_as_told():
    note = STEADY.play_note(np.random.default_rng(0))
    power = np.abs(np.fft.rfft(note * np.hanning(len(note)))) ** 2
    hertz = np.fft.rfftfreq(len(note), 1 / SAMPLE_RATE)
    harmonics = np.array([power[abs(hertz - 500 * number) < 12].sum() for number in range(1, 15)])
    assert harmonics.sum() > 0.98 * power.sum()
    assert np.sqrt(harmonics / harmonics[0]) == pytest.approx(1 / np.arange(1, 15), rel=0.02)


def test_notes_have_pauses_between_them():
    track = STEADY.play(10 * SAMPLE_RATE, np.random.default_rng(3))
    silent = track == 0
    assert 0.2 < silent.mean() < 0.5
    starts = np.flatnonzero(~silent[1:] & silent[:-1])
    assert 4 <= len(starts) + 1 <= 14


@pytest.mark.parametrize("glide", [-40.0, 40.0])
def test_no_note_leaves_the_pitches_above_speech(glide):
    source = TonalSource(**{**vars(STEADY), "glide_semitones": glide, "roll_off": 9.0})
    note = source.play_note(np.random.default_rng(0))
    hertz = np.fft.rfftfreq(len(note), 1 / SAMPLE_RATE)
    power = np.abs(np.fft.rfft(note)) ** 2
    inside = (hertz > 0.9 * PITCH_HZ[0]) & (hertz < 1.1 * PITCH_HZ[1])
    assert power[inside].sum() > 0.98 * power.sum()


@pytest.mark.parametrize("seed", range(8))
def test_a_tone_is_one_or_two_lines_that_stay(seed):
    tone = draw_steady_tone(2 * SAMPLE_RATE, np.random.default_rng(seed))
    assert np.mean(tone.astype(float) ** 2) == pytest.approx(1.0, rel=1e-3)
    on = tone[np.flatnonzero(tone)[0] :][: SAMPLE_RATE // 20]  # within the first beep
    power = np.sort(np.abs(np.fft.rfft(on * np.hanning(len(on)))) ** 2)[::-1]
    assert power[:10].sum() > 0.99 * power.sum()
