"""Frames divided anew among the speakers, on voices that are unit vectors."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from diarspk.blocks import blocks
from diarspk.diarization.local_speakers import FRAME_EMBEDDING_STEP, LocalSpeakers
from diarspk.diarization.reconstruction import speaker_activity
from diarspk.diarization.resegmentation import Resegmentation, divide
from diarspk.diarization.subsegments import SubsegmentGrid, Subsegments
from diarspk.segmentation.windows import WindowGrid

VOICES = np.eye(3, 8, dtype=np.float32)


def grid_of(starts, length):
    return WindowGrid(np.array(starts), length, starts[-1] + length, hop=0.04, start=0.0)


def merged_voices(truth, *, step=5, noise=0.0):
    """One window whose single local speaker is everybody; subsegments tell who it is.

    ``truth (frames,)`` is the speaker of each frame.
    """
    centre = np.arange(0, len(truth), step)
    jitter = np.random.default_rng(0).standard_normal((len(centre), 8)) * noise
    embeddings = VOICES[truth[centre]] + jitter
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return LocalSpeakers(
        activity=np.full((1, len(truth), 1), 0.8, np.float32),
        first=np.zeros(1, np.int64),
        embeddings=VOICES[None, :1],
        seconds=np.array([[len(truth) * 0.1]]),
        frames=len(truth),
        hop=0.1,
        start=0.0,
        subsegments=Subsegments(centre, embeddings.astype(np.float32), np.ones(len(centre))),
    )


def activity_of(local, speakers=2):
    linked = speaker_activity(local, np.zeros((1, 1), np.int64), speakers)
    return linked, Resegmentation()(linked, local, VOICES[:speakers])


def test_voices_that_segmentation_has_merged_come_apart():
    truth = np.repeat([0, 1, 0], [60, 60, 60])
    linked, divided = activity_of(merged_voices(truth, noise=0.1))
    assert (linked.argmax(1) == 0).all()
    right = divided.argmax(1) == truth
    assert right.mean() > 0.97
    assert np.flatnonzero(~right).size <= 5  # beside a change, within a step


def test_vectors_of_the_frame_head_come_before_subsegments():
    truth = np.repeat([0, 1, 0], [60, 60, 60])
    local = merged_voices(np.zeros(180, int))  # the subsegments know of one voice only
    local = replace(local, frame_embeddings=VOICES[truth[::FRAME_EMBEDDING_STEP]])
    linked, divided = activity_of(local)
    assert (linked.argmax(1) == 0).all()
    assert (divided.argmax(1) == truth).mean() > 0.97
    _, alone = activity_of(replace(local, subsegments=None))
    np.testing.assert_array_equal(alone, divided)


def test_blocks_do_not_show(monkeypatch):
    truth = np.repeat([0, 1, 0], [60, 60, 60])
    local = merged_voices(truth, noise=0.3)
    _, whole = activity_of(local)
    monkeypatch.setattr("diarspk.diarization.resegmentation.blocks", partial(blocks, size=7))
    _, parts = activity_of(local)
    np.testing.assert_allclose(parts, whole, atol=1e-6)


def test_speech_is_moved_and_never_made():
    truth = np.repeat([0, 1], 50)
    linked, divided = activity_of(merged_voices(truth, noise=0.3))
    np.testing.assert_allclose(divided.sum(1), linked.sum(1), atol=1e-5)


def test_a_speaker_s_direction_is_learnt_from_the_subsegments():
    truth = np.repeat([0, 1], 60)
    local = merged_voices(truth, noise=0.05)
    guess = VOICES[[0, 1]] + 0.8 * VOICES[2]  # both centroids are off
    guess /= np.linalg.norm(guess, axis=1, keepdims=True)
    linked = speaker_activity(local, np.zeros((1, 1), np.int64), 2)
    divided = Resegmentation(prior=0.0, iterations=3)(linked, local, guess)
    assert (divided.argmax(1) == truth).mean() > 0.97


@pytest.mark.parametrize("order", [[1, 0], [0, 1]])
def test_the_order_of_speakers_does_not_matter(order):
    local = merged_voices(np.repeat([0, 1], 40), noise=0.2)
    linked, divided = activity_of(local)
    permuted = Resegmentation()(linked[:, order], local, VOICES[order])
    np.testing.assert_allclose(permuted, divided[:, order], atol=1e-5)


def test_without_subsegments_or_with_one_speaker_nothing_changes():
    local = merged_voices(np.repeat([0, 1], 40))
    linked, _ = activity_of(local)
    assert Resegmentation()(linked, replace(local, subsegments=None), VOICES[:2]) is linked
    assert Resegmentation()(linked[:, :1], local, VOICES[:1]).shape == (80, 1)


@given(
    arrays(np.float64, (5, 3), elements=st.floats(0.01, 1.0)),
    arrays(np.float64, 5, elements=st.floats(0.0, 3.0)),
)
def test_divide_gives_everyone_at_most_one_and_all_in_all_the_total(shares, total):
    shares = shares / shares.sum(1, keepdims=True)
    divided = divide(shares, total)
    assert (divided <= 1.0 + 1e-6).all() and (divided >= 0.0).all()
    np.testing.assert_allclose(divided.sum(1), total, atol=1e-4)


def test_divide_by_hand():
    divided = divide(np.array([[0.9, 0.05, 0.05]]), np.array([1.5]))
    np.testing.assert_allclose(divided, [[1.0, 0.25, 0.25]], atol=1e-6)


def test_every_subsegment_belongs_to_the_window_it_lies_in_best():
    grid = SubsegmentGrid.over(grid_of([0, 62, 124], 250))
    assert np.diff(grid.centre).tolist() == [12] * (len(grid.centre) - 1)
    middles = np.array([0, 62, 124]) + 125
    nearest = np.abs(grid.centre[:, None] - middles).argmin(1)
    assert grid.window.tolist() == nearest.tolist()


def test_subsegments_are_of_one_voice_where_they_can_be():
    activity = np.zeros((1, 250, 2), bool)
    activity[0, 50:100, 0] = True
    activity[0, 90:150, 1] = True
    (chosen,) = SubsegmentGrid.over(grid_of([0], 250)).choose(activity, np.array([0]), 0)
    both = activity[0].all(1)
    for centre, weights, seconds in zip(*chosen, strict=True):
        near = np.abs(np.arange(250) - centre) * 0.04 <= 0.75
        assert not weights[~near].any()
        if seconds > 0:
            assert not weights[both].any()
            assert seconds == pytest.approx(weights.sum() * 0.04)
    assert chosen.centre.min() >= 50 - 18 and chosen.centre.max() <= 150 + 18
