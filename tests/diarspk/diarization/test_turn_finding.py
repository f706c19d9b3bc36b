import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diarspk.diarization.reconstruction import BOUNDARIES, ReconstructionConfig, Turn, binarize
from diarspk.diarization.turn_finding import fill_silence, find_turns

CONFIG = ReconstructionConfig(speech_threshold=0.5, max_gap_s=0.2, min_turn_s=0.2)


def test_turns_by_hand():
    active = np.zeros((40, 2), bool)
    active[0:10, 0] = active[12:20, 0] = True  # a gap of 0.2 s is bridged
    active[25:26, 1] = True  # 0.1 s: dropped
    active[30:40, 1] = True
    activity = np.where(active, 0.75, 0.5).astype(np.float32)
    turns = find_turns(active, activity, CONFIG, hop=0.1, duration=3.95)
    assert [(turn.speaker, turn.start, turn.end) for turn in turns] == [
        (0, 0.0, pytest.approx(2.0)),
        (1, pytest.approx(3.0), 3.95),
    ]
    assert turns[1].confidence == pytest.approx(0.75)


@pytest.mark.parametrize(("probability", "turns"), [(0.1, 2), (0.3, 1)])
def test_a_pause_in_which_the_speaker_is_improbable_ends_the_turn(probability, turns):
    active = np.ones((20, 1), bool)
    active[9:11] = False
    activity = np.where(active, 0.9, probability).astype(np.float32)
    found = find_turns(active, activity, CONFIG, hop=0.1, duration=2.0)
    assert len(found) == turns


def test_padded_turns_stay_in_the_recording_and_join_where_they_meet():
    config = ReconstructionConfig(max_gap_s=0.0, min_turn_s=0.0, padding_s=0.2)
    active = np.zeros((40, 1), bool)
    active[1:5] = active[8:10] = active[20:25] = active[38:40] = True
    activity = active.astype(np.float32)
    turns = find_turns(active, activity, config, hop=0.1, duration=4.0)
    assert [(turn.start, turn.end) for turn in turns] == [
        (0.0, pytest.approx(1.2)),
        (pytest.approx(1.8), pytest.approx(2.7)),
        (pytest.approx(3.6), 4.0),
    ]


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_loose_turns_cover_the_tight_ones(seed, speakers):
    generator = np.random.default_rng(seed)
    # Runs of some frames, as speech has them.
    activity = np.repeat(generator.random((30, speakers)), generator.integers(1, 20, 30), axis=0)
    activity = activity.astype(np.float32)
    covered = {}
    for name, config in BOUNDARIES.items():
        covered[name] = np.zeros(activity.shape, bool)
        active = binarize(activity, config)
        for turn in find_turns(active, activity, config, hop=0.04, duration=0.04 * len(activity)):
            span = slice(round(turn.start / 0.04), round(turn.end / 0.04))
            # Who has no long turn keeps the short ones, which a longer one would replace.
            if name == "loose" or turn.end - turn.start >= config.min_turn_s:
                covered[name][span, turn.speaker] = True
    assert (covered["loose"] | ~covered["tight"]).all()


def test_a_speaker_of_one_short_turn_keeps_it():
    active = np.zeros((40, 2), bool)
    active[0:20, 0] = active[25:26, 1] = True
    turns = find_turns(active, active.astype(np.float32), CONFIG, hop=0.1, duration=4.0)
    assert [turn.speaker for turn in turns] == [0, 1]


def test_nobody_makes_no_turn():
    activity = np.zeros((10, 0), np.float32)
    active = binarize(activity, CONFIG)
    assert find_turns(active, activity, CONFIG, hop=0.1, duration=1.0) == []


def test_silence_inside_turns_goes_to_the_most_probable():
    active = np.array([[1, 0], [0, 0], [1, 0], [0, 1], [0, 0], [0, 0]], bool)
    activity = np.array(
        [[0.9, 0], [0.2, 0.3], [0.8, 0], [0.1, 0.9], [0, 0.3], [0.1, 0]], np.float32
    )
    turns = [Turn(0, 0.0, 0.3, 1.0), Turn(1, 0.1, 0.5, 1.0)]
    filled = fill_silence(active, active, activity, turns, hop=0.1)
    assert filled.astype(int).tolist() == [[1, 0], [0, 1], [1, 0], [0, 1], [0, 1], [0, 0]]
