import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diarspk.audio import open_audio
from diarspk.diarization.first_pass import (
    BlockPass,
    FirstPassModels,
    compute_local_speakers,
    solo_weights,
)
from diarspk.diarization.local_speakers import FRAME_EMBEDDING_STEP
from diarspk.diarization.subsegments import SubsegmentGrid
from diarspk.diarization.window_embedding import TrunkEmbedder
from diarspk.encoders import FrameHead, FrameHeadConfig, LocalEncoder, SpeakerNetwork
from diarspk.encoders.local.region_pooling import Region
from diarspk.features.recording import analyse
from diarspk.segmentation import EmbeddedSegmenter, SegmentationHead, SegmentationHeadConfig
from diarspk.segmentation.windows import WindowGrid, window_starts
from tests.diarspk.encoders.local.test_encoder import SMALL, noise


@given(st.integers(1, 2000), st.integers(1, 300), st.integers(1, 300))
def test_windows_cover_everything(total, length, step):
    length = min(length, total)
    step = min(step, length)
    starts = window_starts(total, length, step)
    covered = np.zeros(total, bool)
    for start in starts:
        covered[start : start + length] = True
    assert covered.all()
    assert (starts >= 0).all() and starts[-1] + length == total
    assert (np.diff(starts) > 0).all()


def test_solo_weights_by_hand():
    activity = np.zeros((1, 30, 2), np.float32)
    activity[0, :20, 0] = 0.9  # 20 frames, of which the last five are shared
    activity[0, 15:23, 1] = 0.8  # 3 frames of its own: too few
    weights = solo_weights(activity, hop=0.04)
    assert weights[0, :, 0].nonzero()[0].tolist() == list(range(15))
    assert weights[0, :, 1].nonzero()[0].tolist() == list(range(15, 23))


@pytest.fixture(scope="module")
def system():
    torch.manual_seed(0)
    encoder = LocalEncoder(SpeakerNetwork(SMALL), fingerprint="test")
    head = SegmentationHead(SegmentationHeadConfig(width=16, channels=8, layers=1, heads=2))
    return encoder, EmbeddedSegmenter(head, step_s=2.5)


def test_long_recordings_have_longer_steps(system):
    segmenter = EmbeddedSegmenter(system[1].head, step_s=2.5, long_step_s=5.0)
    assert segmenter.suited_to(599.0) is segmenter
    assert segmenter.suited_to(600.0).step_s == 5.0
    assert segmenter.halved().suited_to(36_000.0).step_s == 2.5
    assert segmenter.step_s == 2.5  # of its own


@pytest.mark.parametrize("seconds", [0.5, 10.0, 33.0])
def test_streaming_equals_all_at_once(system, seconds):
    encoder, segmenter = system
    recording = analyse(open_audio(noise(seconds), 16000), encoder.log_mel)
    local = compute_local_speakers(recording, FirstPassModels(encoder, segmenter))
    total, length = local.frames, local.activity.shape[1]
    assert local.first.tolist() == window_starts(total, length, 62).tolist()
    with torch.inference_mode():
        frames = encoder.network.trunk(recording.normalized(0, len(recording.features))[None])
        for window, first in enumerate(local.first):
            part = slice(first, first + length)
            found = segmenter.local_speakers(frames[:, part], np.array([first]))[0]
            np.testing.assert_allclose(local.activity[window], found, atol=1e-4)


def test_subsegments_are_those_of_a_pass_of_their_own(system):
    encoder, segmenter = system
    recording = analyse(open_audio(noise(33.0), 16000), encoder.log_mel)
    local = compute_local_speakers(recording, FirstPassModels(encoder, segmenter))
    length = local.activity.shape[1]
    windows = WindowGrid(local.first, length, local.frames, local.hop, local.start)
    grid = SubsegmentGrid.over(windows)
    chosen = grid.choose(local.activity > 0.5, local.first, 0)
    regions = [
        Region(int(first), weights)
        for first, each in zip(local.first, chosen, strict=True)
        for weights in each.weights
    ]
    expected = encoder.embed_regions(recording, regions)
    assert len(regions) == len(local.subsegments.centre)
    np.testing.assert_allclose(local.subsegments.embeddings, expected, atol=1e-4)


def test_a_silent_local_speaker_has_no_embedding(system):
    encoder, _ = system

    class Nobody:
        window_s, step_s, speakers = 2.0, 1.0, 3

        def suited_to(self, duration):
            return self

        def segment(self, stream, windows, trunk):
            return self.local_speakers

        def local_speakers(self, frames, first):
            activity = np.zeros((*frames.shape[:2], 3), np.float32)
            activity[..., 1] = 0.9
            return activity

    recording = analyse(open_audio(noise(5.0), 16000), encoder.log_mel)
    local = compute_local_speakers(recording, FirstPassModels(encoder, Nobody()))
    assert (local.seconds[:, 1] > 1.9).all()
    assert not local.seconds[:, [0, 2]].any()
    assert not local.embeddings[:, [0, 2]].any()
    np.testing.assert_allclose(np.linalg.norm(local.embeddings[:, 1], axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("seconds", [0.5, 33.0, 150.0])
def test_frame_embeddings_are_those_of_a_pass_of_their_own(system, seconds):
    encoder, segmenter = system
    config = FrameHeadConfig(width=16, channels=8, layers=1, heads=2, dimension=encoder.dimension)
    with_frame_head = LocalEncoder(encoder.network, "test", FrameHead(config))
    recording = analyse(open_audio(noise(seconds), 16000), encoder.log_mel)
    local = compute_local_speakers(recording, FirstPassModels(with_frame_head, segmenter))
    expected = with_frame_head.embed_each(recording)[::FRAME_EMBEDDING_STEP]
    assert local.frame_embeddings.shape == expected.shape
    np.testing.assert_allclose(local.frame_embeddings, expected, atol=1e-3)  # half precision
    plain = compute_local_speakers(recording, FirstPassModels(encoder, segmenter))
    assert plain.frame_embeddings is None
    np.testing.assert_array_equal(plain.activity, local.activity)


@pytest.mark.parametrize("size", [1, 97, 250, 2000])
def test_blocks_of_any_size_may_be_pushed(system, size):
    encoder, segmenter = system
    recording = analyse(open_audio(noise(33.0), 16000), encoder.log_mel)
    expected = compute_local_speakers(recording, FirstPassModels(encoder, segmenter))
    length = expected.activity.shape[1]
    windows = WindowGrid(expected.first, length, expected.frames, expected.hop, expected.start)
    segmentation = segmenter.segment(None, windows, encoder)
    blocks = BlockPass(encoder, windows, segmentation, TrunkEmbedder(encoder, windows))
    frames = torch.cat([block for _, block in encoder.trunk_blocks(recording)])
    number = 0
    for first in range(0, len(frames), size):
        end = min(first + size, len(frames))
        for part in blocks.push(frames[first:end]):
            assert part.number == number
            number += len(part.activity)
            rows = slice(part.number, number)
            # A window comes out with the block in which it ends.
            assert first < windows.starts[number - 1] + length <= end
            np.testing.assert_allclose(part.activity, expected.activity[rows], atol=1e-5)
            np.testing.assert_allclose(part.embeddings, expected.embeddings[rows], atol=1e-4)
            np.testing.assert_array_equal(part.seconds, expected.seconds[rows])
    assert number == len(windows.starts)
