from functools import partial

import numpy as np

from diarspk.blocks import blocks
from diarspk.diarization.local_speakers import LocalSpeakers
from diarspk.diarization.reconstruction import (
    ReconstructionConfig,
    binarize,
    divide_cuts,
    exclusive_activity,
    keep_everyone,
    speaker_activity,
)

CONFIG = ReconstructionConfig(speech_threshold=0.5, max_gap_s=0.2, min_turn_s=0.2)


def test_blocks_do_not_show(monkeypatch):
    activity = np.random.default_rng(0).random((50, 4)).astype(np.float32)
    active = binarize(activity, CONFIG)
    alone = exclusive_activity(active, activity)
    monkeypatch.setattr("diarspk.diarization.reconstruction.blocks", partial(blocks, size=7))
    np.testing.assert_array_equal(binarize(activity, CONFIG), active)
    np.testing.assert_array_equal(exclusive_activity(active, activity), alone)


def test_blocks_cover_all_rows_once():
    assert list(blocks(7, 3)) == [slice(0, 3), slice(3, 6), slice(6, 7)]
    assert list(blocks(0)) == []


def test_windows_are_averaged_where_they_overlap():
    local = LocalSpeakers(
        activity=np.array([[[0.8, 0.0]] * 4, [[0.4, 0.2]] * 4], np.float32),
        first=np.array([0, 2]),
        embeddings=np.zeros((2, 2, 3), np.float32),
        seconds=np.ones((2, 2)),
        frames=6,
        hop=0.1,
        start=0.0,
    )
    labels = np.array([[0, -1], [1, 0]])
    activity = speaker_activity(local, labels, 2)
    np.testing.assert_allclose(activity[:, 0], [0.8, 0.8, 0.5, 0.5, 0.2, 0.2], atol=1e-6)
    np.testing.assert_allclose(activity[:, 1], [0.0, 0.0, 0.2, 0.2, 0.4, 0.4], atol=1e-6)


def test_as_many_talk_as_are_expected():
    activity = np.array([[0.9, 0.8, 0.0], [0.6, 0.3, 0.0], [0.3, 0.1, 0.0], [0.3, 0.3, 0.0]])
    active = binarize(activity.astype(np.float32), ReconstructionConfig(speech_threshold=0.5))
    assert active.tolist() == [
        [True, True, False],
        [True, False, False],
        [False, False, False],
        [True, False, False],
    ]


def test_speakers_may_be_permuted():
    activity = np.random.default_rng(0).random((200, 4)).astype(np.float32)
    order = np.array([2, 0, 3, 1])
    active = binarize(activity, ReconstructionConfig(speech_threshold=0.5))
    assert np.array_equal(
        binarize(activity[:, order], ReconstructionConfig(speech_threshold=0.5)), active[:, order]
    )


def test_exclusive_keeps_the_more_probable():
    active = np.array([[True, True], [True, False], [False, False]])
    activity = np.array([[0.6, 0.9], [0.7, 0.8], [0.1, 0.2]], np.float32)
    assert exclusive_activity(active, activity).tolist() == [
        [False, True],
        [True, False],
        [False, False],
    ]


def test_a_speaker_who_is_never_first_keeps_a_turn():
    activity = np.full((50, 2), 0.9, np.float32)
    activity[:, 1] = np.linspace(0.0, 0.3, 50)
    active = keep_everyone(binarize(activity, CONFIG), activity)
    assert active[:, 0].all()
    assert active[:, 1].nonzero()[0].tolist() == list(range(45, 50))


def test_activity_of_who_was_cut_is_divided_by_the_local_speakers():
    whole = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]], np.float32)
    spoken = np.array([[1.0, 0.0, 0.0], [0.2, 0.0, 0.9], [0.0, 1.0, 0.0]], np.float32)
    divided = divide_cuts(whole, spoken, {2: 0})
    expected = [[0.9, 0.1, 0.0], [0.0, 0.2, 0.8], [0.7, 0.3, 0.0]]
    np.testing.assert_allclose(divided, np.array(expected, np.float32))


def test_without_a_cut_everybody_keeps_the_activity():
    whole = np.random.default_rng(0).random((5, 3), np.float32)
    np.testing.assert_array_equal(divide_cuts(whole, np.ones((5, 3), np.float32), {}), whole)


def test_who_was_cut_off_and_is_never_the_surest_has_some_frames():
    whole = np.full((40, 1), 0.9, np.float32)
    whole[:5] = 0.1
    spoken = np.zeros((40, 3), np.float32)
    spoken[:, 0], spoken[:30, 1], spoken[:, 2] = 0.8, 0.2, 0.3
    divided = divide_cuts(whole, spoken, {1: 0, 2: 0})
    talks = divided > 0.5
    assert talks.sum(axis=0).tolist() == [13, 12, 10]  # the last is the surest in ten
    assert talks[5:].sum(axis=1).tolist() == [1] * 35
