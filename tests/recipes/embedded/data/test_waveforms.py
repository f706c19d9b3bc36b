"""What conversations are mixed from: packed waveforms, dense speech, rooms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.audio import SAMPLE_RATE
from eval.simulate.rooms import TAPS
from recipes.embedded.data import waveforms
from recipes.embedded.data.degradation import SPEED
from recipes.embedded.data.waveforms import (
    PLACES,
    SCALE,
    DenseSpeech,
    at_power_one,
    make_rooms,
    pack_waveforms,
    read_sources,
    read_waveforms,
    write_waveforms,
)

CHUNK = 512
PAUSE = 20
"""Chunks of the pause of every utterance: 0.64 s."""


def random_recordings(lengths=(700, 1, 20000), scale=0.2):
    generator = np.random.default_rng(0)
    return {
        f"r{number}": (scale * generator.normal(size=length)).astype(np.float32)
        for number, length in enumerate(lengths)
    }


def dense_speech(utterances=2, chunks=30):
    """Speech of noise, quieter in each utterance, about a pause in which a tone sounds."""
    generator = np.random.default_rng(0)
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(PAUSE * CHUNK) / SAMPLE_RATE)
    voices, probability = {}, {}
    for number in range(utterances):
        speech = generator.normal(size=(2, chunks * CHUNK)) * 0.1 / (1 + number)
        audio = np.concatenate([speech[0], tone, speech[1]]).astype(np.float32)
        voices[str(number)] = audio
        probability[str(number)] = np.repeat([0.9, 0.1, 0.8], [chunks, PAUSE, chunks])
    return DenseSpeech(pack_waveforms(voices.items()), probability)


def share_of_tone(audio):
    """Share of the power of ``audio`` that lies about 1000 Hz."""
    power = np.abs(np.fft.rfft(audio)) ** 2
    frequency = np.fft.rfftfreq(len(audio), 1 / SAMPLE_RATE)
    return power[np.abs(frequency - 1000) < 20].sum() / power.sum()


def test_waveforms_are_read_as_packed_to_16_bits(tmp_path):
    recordings = random_recordings()
    packed = pack_waveforms(recordings.items())
    assert packed.samples.dtype == np.int16
    write_waveforms(packed, tmp_path / "new" / "train")
    read = read_waveforms(tmp_path / "new" / "train")
    assert isinstance(read.samples, np.memmap)
    assert read.names == packed.names == list(recordings)
    for name, audio in recordings.items():
        found = read.read(name)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, packed.read(name))
        np.testing.assert_allclose(found, audio, atol=0.501 / SCALE)


def test_what_is_too_loud_is_clipped():
    packed = pack_waveforms([("loud", np.array([2.0, 1.0, 0.0, -1.0, -3.0], np.float32))])
    assert packed.read("loud").tolist() == [1.0, 1.0, 0.0, -1.0, -1.0]


def test_power_one():
    audio = random_recordings()["r2"]
    assert np.mean(at_power_one(audio) ** 2) == pytest.approx(1.0, rel=1e-4)
    np.testing.assert_allclose(at_power_one(8 * audio), at_power_one(audio), rtol=1e-5)
    assert not at_power_one(np.zeros(10, np.float32)).any()


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 150_000),
    st.sampled_from([1.0, *SPEED.values()]),
    st.sampled_from([0.1, 0.3, 0.7]),
    st.integers(0, 2**32 - 1),
)
def test_as_much_is_taken_as_is_asked_for(samples, speed, pause, seed):
    speech = dense_speech()
    taken, again = (
        speech.take(
            ["0", "1"], samples, np.random.default_rng(seed), speed=speed, longest_pause_s=pause
        )
        for _ in range(2)
    )
    assert taken.shape == (samples,)
    assert taken.dtype == np.float32
    assert np.isfinite(taken).all()
    np.testing.assert_array_equal(taken, again)


@pytest.mark.parametrize("speed", [1.0, *SPEED.values()])
def test_speech_is_taken_at_a_power_of_one(speed):
    """Whatever the level of the utterance; a resampled voice loses what lies above 8 kHz."""
    speech = dense_speech()
    for utterance in "01":
        taken = speech.take([utterance], 40000, np.random.default_rng(0), speed=speed)
        power = 1.0 if speed < 1 else 1 / speed
        assert np.mean(taken**2) == pytest.approx(power, abs=0.12)


def test_long_pauses_are_gone_and_short_ones_are_kept():
    speech, generator = dense_speech(), np.random.default_rng(0)
    whole = 80 * CHUNK
    dense, loose = (
        speech.take(["0"], whole, generator, longest_pause_s=longest) for longest in (0.3, 0.7)
    )
    assert len(speech.dense("0", 0.3)) == 60 * CHUNK
    assert len(speech.dense("0", 0.7)) == whole
    assert share_of_tone(dense) < 0.02
    assert share_of_tone(loose) > 0.5


def test_an_utterance_without_speech_is_taken_whole():
    voices = random_recordings(lengths=(9000,))
    speech = DenseSpeech(pack_waveforms(voices.items()), {"r0": np.zeros(18, np.float32)})
    np.testing.assert_allclose(speech.dense("r0", 0.3), at_power_one(voices["r0"]), atol=1e-3)


def test_speed_changes_pitch():
    tone = np.sin(2 * np.pi * 500 * np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE)
    voices = pack_waveforms([("tone", (0.5 * tone).astype(np.float32))])
    speech = DenseSpeech(voices, {"tone": np.ones(94, np.float32)})
    for speed in (1.0, *SPEED.values()):
        taken = speech.take(["tone"], SAMPLE_RATE, np.random.default_rng(0), speed=speed)
        crossings = np.count_nonzero(np.diff(np.signbit(taken)))
        assert crossings == pytest.approx(1000 * speed, abs=3)


def test_what_is_taken_fades_at_both_ends():
    taken = dense_speech().take(["0"], 8000, np.random.default_rng(0))
    for end in (taken[:10], taken[-10:]):
        assert np.abs(end).max() < 0.5
    assert np.abs(taken).max() > 2


def test_pieces_come_from_random_places():
    speech = dense_speech(chunks=100)
    taken = [speech.take(["0"], 4000, np.random.default_rng(seed)) for seed in range(5)]
    assert len({piece.tobytes() for piece in taken}) == 5


def test_rooms_have_places_and_energy_one(monkeypatch):
    pytest.importorskip("pyroomacoustics")
    monkeypatch.setattr(waveforms, "ROOMS", 1)
    generator = np.random.default_rng(0)
    measured = [generator.normal(size=length).astype(np.float32) for length in (300, TAPS + 500)]
    rooms = make_rooms(measured, generator)
    assert rooms.shape == (1 + len(measured), PLACES, TAPS)
    assert rooms.dtype == np.float16
    np.testing.assert_allclose((rooms.astype(float) ** 2).sum(-1), 1.0, atol=1e-2)


def test_sources_are_read_as_written(tmp_path):
    voices, noises = (pack_waveforms(random_recordings(n).items()) for n in ((30, 40), (50,)))
    write_waveforms(voices, tmp_path / "train")
    write_waveforms(noises, tmp_path / "noise")
    rooms = np.random.default_rng(0).normal(size=(2, PLACES, 10)).astype(np.float16)
    np.save(tmp_path / "rooms.npy", rooms)
    sources = read_sources(tmp_path)
    np.testing.assert_array_equal(sources.voices.read("r1"), voices.read("r1"))
    np.testing.assert_array_equal(sources.noises.read("r0"), noises.read("r0"))
    np.testing.assert_array_equal(sources.rooms, rooms)
