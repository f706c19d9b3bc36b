"""Parts of a live session by themselves: level, mixdown, memory, labels, smoothing."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.audio import load_audio
from diarspk.clustering.plda import Plda
from diarspk.clustering.plda_clusterer import PldaClustererSettings
from diarspk.diarization.reconstruction import ReconstructionConfig
from diarspk.streaming.latency import LatencyPlan
from diarspk.streaming.live_mixdown import LiveMixdown
from diarspk.streaming.running_level import MEMORY_FRAMES, MIN_LEVEL, RunningLevel
from diarspk.streaming.sample_input import SampleInput
from diarspk.streaming.speaker_labels import SpeakerLabels
from diarspk.streaming.speaker_memory import MAX_ROWS, SpeakerMemory
from diarspk.streaming.speaker_model import NO_PLDA, SpeakerModel
from diarspk.streaming.turn_stream import smooth
from diarspk.streaming.update import SpeakerEvent

DIM = 64


def voices(*counts: int, noise: float = 0.05) -> list[np.ndarray]:
    """Unit vectors near one axis for each voice."""
    random = np.random.default_rng(0)
    found = []
    for axis, count in enumerate(counts):
        rows = noise * random.normal(size=(count, DIM)) + np.eye(DIM)[axis]
        found.append(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    return found


@pytest.fixture
def model() -> SpeakerModel:
    plda = Plda(np.zeros(DIM), np.zeros(DIM), np.eye(DIM), np.full(DIM, 2.0))
    return SpeakerModel(plda, PldaClustererSettings(), NO_PLDA, NO_PLDA, 0)


def taught(model: SpeakerModel, *taken: tuple[int, np.ndarray]) -> SpeakerMemory:
    memory = SpeakerMemory(model, None)
    for speaker, vector in taken:
        while memory.speakers <= speaker:
            memory.add()
        memory.learn(speaker, vector, 1.5)
    return memory


@pytest.mark.parametrize(
    ("latency", "step", "context"), [(0.32, 4, 4), (0.64, 8, 8), (1.0, 13, 12), (1.04, 13, 13)]
)
def test_step_and_context_add_up_to_the_latency(latency, step, context):
    assert LatencyPlan.of(latency, 0.04) == LatencyPlan(step, context)


@given(st.floats(0.32, 8.0))
def test_no_frame_waits_longer_than_the_latency(latency):
    plan = LatencyPlan.of(latency, 0.04)
    assert plan.context >= 4
    assert latency - 0.04 < (plan.step + plan.context) * 0.04 <= latency + 1e-6


def test_a_speaker_who_was_two_becomes_two(model):
    one, two = voices(8, 8)
    memory = taught(model, *((0, row) for row in (*one, *two)))
    assert memory.cluster() == []
    assert memory.owner.tolist() == [0] * 8 + [1] * 8


def test_two_speakers_who_are_one_are_merged(model):
    (one,) = voices(12)
    memory = taught(model, *((0, row) for row in one[:8]), *((1, row) for row in one[8:]))
    assert memory.cluster() == [(1, 0)]
    assert set(memory.owner.tolist()) == {0} and memory.alive.tolist() == [0]


def test_memory_is_bounded_and_keeps_everybody(model):
    memory = SpeakerMemory(model, None)
    for number, rows in enumerate(voices(300, 200, 40)):
        memory.add()
        for row in rows:
            memory.learn(number, row, 1.5)
            if memory.unclustered >= 20.0:
                assert memory.cluster() == []
    memory.cluster()
    assert len(memory.owner) <= MAX_ROWS
    assert memory.weights.sum() == 540 and memory.seconds.sum() == pytest.approx(810.0)
    numbers, _, centroids = memory.groups()
    assert numbers.tolist() == [0, 1, 2]
    assert (centroids[:, :3].argmax(axis=1) == [0, 1, 2]).all()


def test_known_speakers_are_never_merged_and_count_when_they_have_spoken(model):
    one, two = voices(3, 3)
    memory = SpeakerMemory(model, 1)
    assert memory.enroll(np.stack([one[0], two[0]])).tolist() == [0, 1]
    assert not memory.is_full
    memory.learn(1, two[1], 1.5)
    assert memory.is_full and memory.cluster() == []


def test_the_level_is_that_of_the_last_minute_with_sound():
    random = np.random.default_rng(0)
    # Syllables: bursts of varying power.
    loud = np.exp(18 + 2 * random.normal(size=MEMORY_FRAMES))
    level = RunningLevel()
    assert level.push(np.zeros(100)) == MIN_LEVEL
    spoken = level.push(loud)
    assert spoken > 15
    for _ in range(30):  # five minutes of a quiet room
        assert level.push(np.full(1000, np.exp(5.0))) == pytest.approx(spoken, abs=0.5)
    for _ in range(60):  # ten minutes more: the microphone is another
        after = level.push(np.full(1000, np.exp(5.0)))
    assert after == pytest.approx(MIN_LEVEL)


def test_smoothing_leaves_what_is_final():
    config = ReconstructionConfig(max_gap_s=0.4, min_turn_s=0.2)
    active = np.array(
        [1, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], bool
    )
    activity = np.where(active, 0.9, 0.3).astype(np.float32)
    everything = smooth(active, activity, config, 0.04, 0)
    assert everything.nonzero()[0].tolist() == list(range(9))
    later = smooth(active, activity, config, 0.04, 2)
    assert later.nonzero()[0].tolist() == [0, *range(2, 9)]
    assert smooth(active[:22], activity[:22], config, 0.04, 0)[21]  # it may go on


def test_smoothing_pads_as_far_as_what_is_final_allows():
    config = ReconstructionConfig(max_gap_s=0.4, min_turn_s=0.2, padding_s=0.08)
    active = np.zeros(30, bool)
    active[5:15] = True
    activity = active.astype(np.float32)
    assert smooth(active, activity, config, 0.04, 0).nonzero()[0].tolist() == list(range(3, 17))
    assert smooth(active, activity, config, 0.04, 4).nonzero()[0].tolist() == list(range(4, 17))


def test_smoothing_leaves_pauses_in_which_the_speaker_is_improbable():
    config = ReconstructionConfig(max_gap_s=0.4, pause_probability=0.2)
    active = np.ones(20, bool)
    active[8:12] = False
    for probability, closed in ((0.1, False), (0.3, True)):
        activity = np.where(active, 0.9, probability).astype(np.float32)
        assert smooth(active, activity, config, 0.04, 0).all() == closed


def test_labels_keep_their_meaning():
    labels = SpeakerLabels({0: "Ann"})
    assert labels.label(7) == "SPEAKER_00"
    assert labels.report(7, None, 1.0) == [SpeakerEvent("new", 1.0, "SPEAKER_00")]
    assert labels.report(9, None, 2.0) == [SpeakerEvent("new", 2.0, "SPEAKER_01")]
    assert labels.merge(9, 7, 3.0) == [SpeakerEvent("merged", 3.0, "SPEAKER_01", "SPEAKER_00")]
    assert labels.label(9) == "SPEAKER_01" and labels.final_label(9) == "SPEAKER_00"
    assert labels.report(11, None, 4.0) == [SpeakerEvent("new", 4.0, "SPEAKER_02")]
    assert labels.merge(12, 7, 5.0) == []  # it never had a final turn
    assert labels.merge(7, 0, 6.0)[0].into == "Ann"
    assert labels.final_label(9) == "Ann" and labels.count == 2


def test_a_name_is_given_once():
    labels = SpeakerLabels({})
    assert labels.report(0, "Ann", 1.0)[0].speaker == "Ann"
    assert labels.report(1, "Ann", 2.0)[0].speaker == "SPEAKER_00"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=6))
def test_the_mixdown_does_not_depend_on_pieces_and_keeps_what_cancels_out(sizes):
    voice = np.random.default_rng(0).normal(size=6000).astype(np.float32)
    stereo = np.stack([voice, -voice])
    whole, pieces, place, number, parts = LiveMixdown(2000, 2), LiveMixdown(2000, 2), 0, 0, []
    while place < 6000:
        size = sizes[number % len(sizes)]
        parts.append(pieces.push(stereo[:, place : place + size]))
        place, number = place + size, number + 1
    mixed = whole.push(stereo)
    np.testing.assert_array_equal(np.concatenate(parts), mixed)
    assert not mixed[:2000].any()  # nothing tells yet
    np.testing.assert_allclose(np.abs(mixed[2040:]), np.abs(voice[2040:]), rtol=1e-5)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
def test_resampling_in_blocks_is_close_to_that_of_the_whole(rate):
    time = np.arange(3 * rate) / rate
    audio = (0.3 * np.sin(2 * np.pi * 440 * time) * np.sin(3 * time)).astype(np.float32)
    source = SampleInput()
    found = np.concatenate([source.push(audio, rate), source.finish()])
    expected = soxr.resample(audio, rate, 16000, quality="HQ")
    assert abs(len(found) - len(expected)) <= 1
    length = min(len(found), len(expected))
    np.testing.assert_allclose(found[:length], expected[:length], atol=2e-4)
    np.testing.assert_allclose(load_audio(audio, rate)[:length], found[:length], atol=2e-4)


def test_integers_are_taken_at_full_scale():
    audio = np.arange(-16000, 16000, 2).astype(np.int16)
    np.testing.assert_array_equal(SampleInput().push(audio, 16000), audio / np.float32(32768))
