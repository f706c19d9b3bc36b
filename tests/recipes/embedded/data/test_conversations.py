"""Simulated windows of conversation, mixed from a handful of synthetic voices."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from diarspk.audio import SAMPLE_RATE
from diarspk.features.log_mel import gated_level
from recipes.embedded.data import augmentation, conversations, mixing
from recipes.embedded.data.conversations import ConversationConfig
from recipes.embedded.data.degradation import SPEED
from recipes.embedded.data.mixing import SHIFT, transmit
from recipes.embedded.data.speech_frames import (
    non_speech_intervals,
    read_speech_probabilities,
    speech_mask,
)
from recipes.embedded.data.voice_pool import smooth_filter
from recipes.embedded.data.waveforms import at_power_one
from tests.recipes.synthetic_voices import (
    CHUNK,
    MELS,
    PLAIN,
    coloured_noise,
    eight_talkers,
    log_mel,
    make_talkers,
)

TURNS = [(0, 600, "a"), (500, 900, "b"), (900, 1000, "a")]
"""Two speakers who overlap for a second."""
APART = [(0, 400, "a"), (600, 1000, "b")]
FLAT = np.zeros(MELS, np.float32)


@pytest.fixture(scope="module")
def talkers(tmp_path_factory):
    return eight_talkers(tmp_path_factory.mktemp("packed"))


def converse(talkers, turns=TURNS, seed=0, **changes):
    """Conversations on one template; the speakers' voices lie on a circle, in order."""
    angles = talkers.numbers * np.pi / 4
    return talkers.conversations(
        [[turns]],
        ConversationConfig(**{"windows_per_batch": 4, **PLAIN, **changes}),
        teacher=np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32),
        seed=seed,
    )


def test_speech_frames_drop_long_pauses_only():
    probability = np.ones(100, np.float32)  # a value for every two frames
    probability[30:40] = 0.0  # 20 frames: stays
    probability[60:80] = 0.05  # 40 frames: dropped
    mask = speech_mask(probability, 200)
    assert mask[:120].all() and not mask[120:160].any() and mask[160:].all()
    assert non_speech_intervals(probability, 200) == [(120, 160)]
    assert speech_mask(np.zeros(10, np.float32), 20).all()  # nothing to go by


def test_read_speech_probabilities(tmp_path):
    np.savez(
        tmp_path / "speech.npz",
        utterance=["a", "b"],
        chunks=[1, 2],
        probability=np.array([255, 0, 51], np.uint8),
    )
    speech = read_speech_probabilities(tmp_path / "speech.npz")
    np.testing.assert_allclose(speech["a"], [1.0])
    np.testing.assert_allclose(speech["b"], [0.0, 0.2])


def test_a_window_has_samples_for_its_frames():
    for frames in (1, 400, 1000):
        config = ConversationConfig(frames=frames)
        assert len(log_mel(np.zeros(config.samples, np.float32))) == frames
        assert config.samples >= frames * SHIFT  # turns fit in


@pytest.mark.parametrize("rooms", [0.0, 1.0])
def test_conversations_are_what_their_labels_say(talkers, rooms):
    batch = next(iter(converse(talkers, room_probability=rooms)))
    assert batch["features"].shape == (4, 1000, 80)
    assert torch.isfinite(batch["features"]).all()
    activity = batch["activity"]
    assert activity[:, :125, :2].sum(-1).eq(1).all()
    assert activity[:, 125:150, :2].sum(-1).eq(2).all()
    assert activity[:, 150:225].sum(-1).eq(1).all()
    assert activity[..., 2].eq(0).all()
    assert torch.equal(batch["power"] > 0, activity > 0)
    voices = [[talkers.numbers[row] for row in rows] for rows in batch["row"].tolist()]
    assert all(len(set(names)) == 3 for names in voices)


def test_what_the_labels_say_is_in_the_mixture(talkers):
    """In a pause there is nothing but the noise, and where somebody talks there is speech."""
    made = converse(talkers, APART, noise_ratio_db=(80.0, 81.0))
    features = next(iter(made))["features"]
    energy = features.exp().mean(-1).log() / augmentation.DECIBEL
    speech = torch.cat([energy[:, 5:395], energy[:, 605:995]], dim=1).median(1).values
    assert (energy[:, 410:590] < speech[:, None] - 40).all()


@pytest.mark.parametrize("changes", [{}, PLAIN], ids=["as trained", "plain"])
def test_the_same_seed_gives_the_same_windows(talkers, changes):
    def windows(seed):
        config = ConversationConfig(**{**changes, "windows_per_batch": 2})
        teacher = np.eye(8)[talkers.numbers]
        made = talkers.conversations([[TURNS]], config, teacher=teacher, seed=seed)
        first, second = (batch for batch, _ in zip(made, range(2), strict=False))
        return first, second

    (first, second), (again, _), (other, _) = (windows(seed) for seed in (5, 5, 6))
    assert all(torch.isfinite(value).all() for value in first.values())
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not torch.equal(first["features"], second["features"])
    assert not torch.equal(first["features"], other["features"])


def test_batches_stay_what_they_are(talkers):
    """A training that is resumed after an update of this code goes on with the same batches."""
    made = talkers.conversations(
        [[TURNS]],
        ConversationConfig(
            windows_per_batch=3,
            channel_probability=0.12,
            band_probability=0.15,
            tonal_probability=0.0,
            tone_probability=0.0,
        ),
        teacher=np.eye(8)[talkers.numbers].astype(np.float32),
        seed=7,
    )
    batch = next(iter(made))
    assert batch["row"].tolist() == [[0, 16, 32], [38, 6, 70], [96, 64, 112]]
    assert batch["activity"].sum(1).tolist() == [[219, 0, 0], [0, 0, 0], [175, 118, 0]]
    means = batch["features"].mean((1, 2)).tolist()
    assert means == pytest.approx([-2.3731, -13.0585, -0.2549], abs=0.01)


def test_equal_channels_leave_no_speaker_a_spectrum_of_its_own(tmp_path):
    """Speakers of noise differ in a constant filter alone; with equal channels it is gone."""
    generator = np.random.default_rng(0)
    tilt = np.linspace(-0.7, 0.7, MELS)
    voices = {
        f"{speaker}-0": coloured_noise(speaker * tilt, 3 * SAMPLE_RATE, generator)
        for speaker in range(8)
    }
    talkers, spread = make_talkers(tmp_path, voices), []
    for probability in (0.0, 1.0):
        made = converse(talkers, equal_channel_probability=probability)
        features = next(iter(made))["features"]
        first, second = features[:, :480].mean(1), features[:, 620:880].mean(1)
        difference = (first - second) - (first - second).mean(1, keepdim=True)
        spread.append(difference.square().mean().sqrt().item())
    assert spread[1] < 0.4 * spread[0]


def test_alike_voices_are_neighbours(talkers):
    def distances(probability):
        made = converse(talkers, similar_probability=probability, similar_voices=3)
        generator = np.random.default_rng(0)
        drawn = [made.voices.draw("recorded", 3, generator) for _ in range(40)]
        assert all(len(set(names)) == 3 for names in drawn)
        steps = [(int(name) - int(names[0])) % 8 for names in drawn for name in names[1:]]
        return [min(step, 8 - step) for step in steps]

    assert max(distances(1.0)) <= 2  # the two next to the first, or the next but one
    assert max(distances(0.0)) == 4


@pytest.mark.parametrize("speed", ["recorded", *SPEED])
def test_voices_are_mixed_at_the_speed_of_their_rows(talkers, speed, monkeypatch):
    monkeypatch.setattr(conversations, "SPEEDS", {speed: 1.0})
    made = converse(talkers, equal_channel_probability=0.0)
    laid = made.render(TURNS, None, np.random.default_rng(3))
    assert [talkers.pool.variant[row] for row in laid.rows] == [speed] * 3
    for lane, row, (start, end) in zip(laid.lanes, laid.rows, [(0, 500), (500, 900)], strict=False):
        name = talkers.speakers[talkers.pool.utterance[row]]
        spectrum = log_mel(lane)[start + 5 : end - 5].mean(0)
        similarity = {
            kind: fine_similarity(spectrum, made.voices.mean_spectrum(name, kind))
            for kind in ("recorded", *SPEED)
        }
        assert max(similarity, key=similarity.get) == speed


def fine_similarity(one, other):
    """Correlation of two log spectra without the slow cosines of microphones."""
    position = (np.arange(MELS) + 0.5) / MELS
    slow = np.cos(np.pi * np.outer(position, np.arange(3)))
    fine = [each - slow @ np.linalg.lstsq(slow, each, rcond=None)[0] for each in (one, other)]
    return np.corrcoef(*fine)[0, 1]


def test_invented_windows_hold_silence_where_nobody_talks(talkers):
    made = converse(talkers, [], seed=1, windows_per_batch=8, invented_probability=1.0)
    batch = next(iter(made))
    energy = batch["features"].exp().mean(-1).log().unfold(1, 4, 4).mean(-1)
    silent = batch["activity"].sum(-1) == 0
    assert silent.any()
    assert energy[silent].median() < energy[~silent].median() - 4


def test_a_distant_voice_is_quiet_and_nobodys(talkers):
    def windows(probability, empty, turns=TURNS):
        changes = {
            "windows_per_batch": 8,
            "empty_probability": empty,
            "noise_ratio_db": (90.0, 91.0),
            "band_probability": 0.0,
            "speaker_level_db": 0.0,
            "turn_level_db": 0.0,
            "level_deviation_db": 0.0,
            "distant_probability": probability,
            "distant_level_db": (-20.0, -18.0),
        }
        return next(iter(converse(talkers, turns, seed=2, **changes)))

    def decibels(features):
        return gated_level(features) / augmentation.DECIBEL

    alone = windows(1.0, 1.0)
    assert alone["activity"].eq(0).all()
    level = decibels(alone["features"])
    assert (level < -10).all()
    assert (level > -30).all()
    with_speakers = windows(1.0, 0.0)
    assert with_speakers["activity"].sum() == windows(0.0, 0.0)["activity"].sum()
    assert gated_level(with_speakers["features"]).abs().max() < 1.0
    pauses = [decibels(windows(p, 0.0, APART)["features"][:, 420:580]) for p in (0.0, 1.0)]
    assert pauses[0].max() < -40
    assert -30 < pauses[1].max() < -10  # of those windows in whose pause it talks


def test_background_is_at_its_ratio(talkers):
    made = converse(talkers, noise_ratio_db=(20.0, 20.0))
    for seed in range(4):
        background = made.mixer.background(made.config.samples, np.random.default_rng(seed))
        assert background.shape == (made.config.samples,)
        assert np.mean(background**2) == pytest.approx(0.01, rel=1e-3)
    loud = converse(talkers, max_bursts=5, burst_level_db=(0.0, 0.0), gap_gain_db=(0.0, 0.0))
    powers = [
        np.mean(loud.mixer.background(loud.config.samples, np.random.default_rng(seed)) ** 2)
        for seed in range(8)
    ]
    assert max(powers) > 1e-3


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_bursts_with_a_pitch_are_drawn_as_often_as_told(talkers, probability, monkeypatch):
    drawn = []

    def draw(samples, generator):
        drawn.append(samples)
        return np.ones(samples, np.float32)

    monkeypatch.setattr(mixing, "draw_tonal_sound", draw)
    made = converse(talkers, tonal_probability=probability, burst_level_db=(-6.0, -6.0))
    made.mixer.gaps = []
    burst = made.mixer.draw_burst(3 * SAMPLE_RATE, np.random.default_rng(0))
    assert bool(drawn) == (probability == 1)
    if drawn:
        assert SAMPLE_RATE // 2 <= len(burst) == drawn[0]
        assert np.median(burst) == pytest.approx(10 ** (-6 / 20), rel=1e-3)


def test_a_tone_from_end_to_end_is_at_its_level(talkers):
    made = converse(talkers, tone_probability=1.0, tone_level_db=(-10.0, -10.0))
    for seed in range(4):
        background = made.mixer.background(made.config.samples, np.random.default_rng(seed))
        assert np.mean(background**2) == pytest.approx(0.1, rel=0.01)


def test_gaps_are_where_nobody_speaks(talkers):
    found = converse(talkers).mixer.gaps
    assert {gap.utterance for gap in found} == set(talkers.speech)
    for gap in found:
        probability = talkers.speech[gap.utterance]
        place = talkers.sources.voices.place[gap.utterance]
        assert 0 <= gap.first < gap.last <= place.stop - place.start
        # A frame may lie half in the next chunk.
        assert probability[-(-gap.first // CHUNK) : gap.last // CHUNK].max() == 0


def test_speakers_have_places_of_their_own_in_one_room(talkers):
    made = converse(talkers, room_probability=1.0)
    rooms = talkers.sources.rooms.astype(np.float32)
    drawn = [made.mixer.draw_room(np.random.default_rng(seed)) for seed in range(20)]
    for room in drawn:
        (number,) = {int(np.argwhere((rooms == place).all(-1))[0, 0]) for place in room}
        assert {*map(bytes, room)} == {*map(bytes, rooms[number])}
    assert len({room.tobytes() for room in drawn}) > len(rooms)  # who is where differs
    assert converse(talkers, room_probability=0.0).mixer.draw_room(np.random.default_rng(0)) is None


def test_a_room_goes_on_sounding_and_leaves_level_and_labels(talkers):
    made = converse(talkers, equal_channel_probability=0.0)
    room = talkers.sources.rooms[0].astype(np.float32)
    dry, wet = (made.render(APART, where, np.random.default_rng(1)) for where in (None, room))
    np.testing.assert_array_equal(dry.activity, wet.activity)
    np.testing.assert_array_equal(dry.rows, wet.rows)
    end = 400 * SHIFT
    after = slice(end + 100, end + 400)
    assert np.mean(wet.lanes[0, after] ** 2) > 100 * np.mean(dry.lanes[0, after] ** 2)
    # Tones of a harmonic voice meet their echoes: each place has a level of its own, about.
    levels = [np.mean(laid.lanes[:2] ** 2, axis=1) for laid in (dry, wet)]
    assert np.abs(10 * np.log10(levels[1] / levels[0])).max() < 6


def test_two_voices_at_once_beat(tmp_path):
    """Why waveforms are mixed and not mel powers: the power of a sum is not the sum of powers.

    Two tones of one power, 20 Hz apart, rise and fall together 20 times a second; a head that has
    only seen sums of powers, which stay level, takes that for one voice.
    """
    time = np.arange(13 * SAMPLE_RATE) / SAMPLE_RATE
    voices = {
        f"{number}-0": (0.05 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
        for number, hertz in enumerate((1000.0, 1020.0))
    }
    made = converse(make_talkers(tmp_path, voices), speakers=2, band_probability=0.0)
    laid = made.render([(0, 1000, "a"), (0, 1000, "b")], None, np.random.default_rng(0))
    lanes = [at_power_one(lane) for lane in laid.lanes]

    def features(mixture):
        return made.mixer.features(mixture, np.random.default_rng(0), level_db=0.0)[10:-10]

    alone, both = [features(lane) for lane in lanes], features(sum(lanes))
    loudest = int(both.mean(0).argmax())
    steady = [each[:, loudest].var() for each in (*alone, np.logaddexp(*alone))]
    beating = both[:, loudest].var()
    assert beating > 0.5  # 3 dB of deviation
    assert max(steady) < 1e-3 * beating


def random_audio(samples, seed=0):
    return np.random.default_rng(seed).normal(size=samples).astype(np.float32)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 3000), st.integers(0, 300))
def test_a_flat_filter_and_a_delta_change_nothing_but_the_time(samples, delay):
    audio = random_audio(samples)
    delta = np.zeros(delay + 20, np.float32)
    delta[delay] = 1.0
    late = np.pad(audio, (delay, 0))[:samples]
    np.testing.assert_allclose(transmit(audio, delta, FLAT), late, atol=1e-5)
    plain = transmit(audio, None, FLAT)
    np.testing.assert_allclose(plain, audio, atol=1e-5)
    assert plain.dtype == np.float32


def test_a_constant_filter_is_a_gain():
    audio = random_audio(2000)
    louder = np.full(MELS, 2 * np.log(2), np.float32)  # 6 dB
    np.testing.assert_allclose(transmit(audio, None, louder), 2 * audio, atol=1e-5)


def test_a_response_is_convolved():
    audio, response = random_audio(5000), random_audio(700, seed=1)
    expected = signal.convolve(audio.astype(float), response.astype(float))[: len(audio)]
    np.testing.assert_allclose(transmit(audio, response, FLAT), expected, atol=1e-3)


def test_a_filter_is_given_on_the_mel_axis_and_has_no_phase():
    generator = np.random.default_rng(0)
    shape = smooth_filter(MELS, generator)
    click = np.zeros(4001, np.float32)
    click[2000] = 1.0
    response = transmit(click, None, shape)
    np.testing.assert_allclose(response, response[::-1], atol=1e-5)
    tone = np.sin(
        2 * np.pi * augmentation.mel_frequencies(MELS)[40] / SAMPLE_RATE * np.arange(16000)
    )
    gain = transmit(tone.astype(np.float32), None, shape)[4000:-4000].std() / tone[4000:-4000].std()
    assert 2 * np.log(gain) == pytest.approx(shape[40], abs=0.01)
