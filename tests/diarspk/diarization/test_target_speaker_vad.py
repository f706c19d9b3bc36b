"""The TS-VAD head, and its use on a recording whose speakers are known."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from diarspk.audio import open_audio
from diarspk.diarization.cache import FirstPassCache
from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.defaults import Defaults
from diarspk.diarization.first_pass import compute_local_speakers
from diarspk.diarization.linking import Linking
from diarspk.diarization.local_speakers import (
    FRAME_EMBEDDING_STEP,
    FirstPass,
    FirstPassModels,
    LocalSpeakers,
)
from diarspk.diarization.postprocessing import Postprocessing
from diarspk.diarization.resegmentation import refine_centroids
from diarspk.diarization.result import Diarization
from diarspk.diarization.target_speaker_vad import (
    TargetSpeakerVad,
    combine_activity,
    similarity_at,
)
from diarspk.encoders import FrameHead, FrameHeadConfig, SpeakerNetwork, SpeakerNetworkConfig
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.trunk import TrunkConfig
from diarspk.errors import ModelError
from diarspk.features.recording import analyse
from diarspk.segmentation import EmbeddedSegmenter, SegmentationHead, SegmentationHeadConfig
from diarspk.segmentation.target_speaker_vad import (
    TARGET_SPEAKER_VAD_HEADS,
    TargetSpeakerVadConfig,
    TargetSpeakerVadHead,
)

SMALL = TargetSpeakerVadConfig(
    width=16, channels=8, layers=2, heads=2, kernel=5, dimension=6, window_s=2.0, speakers=3
)
HOP = 0.04


@pytest.fixture
def head():
    """A head that corrects a good deal."""
    torch.manual_seed(0)
    head = TargetSpeakerVadHead(SMALL)
    torch.nn.init.normal_(head.correct.weight)
    return head.eval().requires_grad_(False)


def inputs(batch=2, frames=40, speakers=3, seed=1):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.rand(*shape, generator=generator)

    centroids = torch.nn.functional.normalize(draw(batch, speakers, 6) - 0.5, dim=-1)
    similarity, prior = 2 * draw(batch, frames, speakers) - 1, draw(batch, frames, speakers)
    return draw(batch, frames, 8), centroids, similarity, prior


def test_an_untrained_head_changes_nothing():
    parts = inputs()
    found = TargetSpeakerVadHead(SMALL)(*parts).sigmoid()
    torch.testing.assert_close(found, parts[-1].clamp(0.01, 0.99))


def test_the_order_of_speakers_does_not_matter(head):
    features, centroids, similarity, prior = inputs()
    order = torch.tensor([2, 0, 1])
    turned = head(features, centroids[:, order], similarity[..., order], prior[..., order])
    torch.testing.assert_close(turned, head(features, centroids, similarity, prior)[..., order])


def test_who_takes_no_part_keeps_the_prior_and_has_no_influence(head):
    features, centroids, similarity, prior = inputs()
    present = torch.tensor([[True, True, False]] * 2)
    found = head(features, centroids, similarity, prior, present)
    torch.testing.assert_close(found[..., 2], torch.logit(prior[..., 2], 0.01))
    alone = head(features, centroids[:, :2], similarity[..., :2], prior[..., :2])
    torch.testing.assert_close(found[..., :2], alone)


@pytest.mark.parametrize("speakers", [1, 2, 4])
def test_any_number_of_speakers(head, speakers):
    found = head(*inputs(speakers=speakers))
    assert found.shape == (2, 40, speakers)
    assert found.isfinite().all()


def test_neighbours_in_a_batch_have_no_influence(head):
    parts = inputs(batch=3)
    alone = head(*(part[1:2] for part in parts))
    torch.testing.assert_close(head(*parts)[1:2], alone)


def test_features_by_hand():
    head = TargetSpeakerVadHead(SMALL)
    similarity = torch.tensor([[[0.9, 0.4, 0.1]]])
    prior = torch.tensor([[[0.5, 0.8, 0.3]]])
    present = torch.tensor([[True, True, False]])
    features = head.speaker_features(similarity, prior, present)[0, 0]
    logit = math.log(0.8 / 0.2) / 4
    expected = torch.tensor([[0, 0.9, 0.8, 0.4, 1.3], [logit, 0.4, 0.5, 0.9, 1.3]])
    torch.testing.assert_close(features[:2], expected)
    single = head.speaker_features(similarity[..., :1], prior[..., :1], present[:, :1])[0, 0, 0]
    torch.testing.assert_close(single, torch.tensor([0, 0.9, 0, -1.0, 0.5]))


def test_similarity_is_interpolated():
    cosines = np.random.default_rng(0).random((4, 2)).astype(np.float32)
    frames = np.arange(23)
    expected = [
        np.interp(frames, FRAME_EMBEDDING_STEP * np.arange(4), column) for column in cosines.T
    ]
    found = similarity_at(cosines, frames[:, None])
    assert found.shape == (23, 1, 2)
    np.testing.assert_allclose(found[:, 0], np.stack(expected, 1), atol=1e-6)


def recording(frames=173, speakers=4, seed=0):
    """Activity, local speakers and centroids of a recording."""
    generator = np.random.default_rng(seed)

    def units(count):
        vectors = generator.normal(size=(count, 6)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    local = LocalSpeakers(
        activity=np.zeros((1, frames, 1), np.float32),
        first=np.zeros(1, np.int64),
        embeddings=np.zeros((1, 1, 6), np.float32),
        seconds=np.zeros((1, 1)),
        frames=frames,
        hop=HOP,
        start=0.0,
        frame_embeddings=units(-(-frames // FRAME_EMBEDDING_STEP)),
        vad_features=generator.random((frames, 8)).astype(np.float16),
    )
    return generator.random((frames, speakers)).astype(np.float32), local, units(speakers)


def test_a_short_recording_is_one_window(head):
    activity, local, centroids = recording(frames=31, speakers=3)
    found = TargetSpeakerVad(head, share=1.0)(activity, local, centroids)
    centroids = refine_centroids(activity, local, centroids)
    similarity = similarity_at(local.frame_embeddings @ centroids.T, np.arange(31))
    parts = (local.vad_features.astype(np.float32), centroids, similarity, activity)
    expected = head(*(torch.from_numpy(part)[None] for part in parts))[0].sigmoid()
    np.testing.assert_allclose(found, combine_activity(expected.numpy(), activity, 0.5), atol=1e-5)


def test_a_long_recording_is_corrected_window_by_window(head):
    activity, local, centroids = recording(frames=173, speakers=3)
    found = TargetSpeakerVad(head, share=1.0)(activity, local, centroids)
    assert found.shape == activity.shape
    centroids = refine_centroids(activity, local, centroids)
    starts = [0, 38, 76, 114, 123]  # of windows of 50 frames, the last flush with the end
    edges = [0, 44, 82, 120, 143.5, 173]
    for start, first, last in zip(starts, edges[:-1], edges[1:], strict=True):
        inside = slice(start, start + 50)
        part = replace(local, frames=50, vad_features=local.vad_features[inside])
        cosines = similarity_at(local.frame_embeddings @ centroids.T, np.arange(start, start + 50))
        parts = (part.vad_features.astype(np.float32), centroids, cosines, activity[inside])
        expected = head(*(torch.from_numpy(each)[None] for each in parts))[0].sigmoid().numpy()
        part_of = np.arange(int(first), int(last))
        expected = combine_activity(expected[part_of - start], activity[part_of], 0.5)
        np.testing.assert_allclose(found[part_of], expected, atol=1e-5)


def test_whether_anybody_talks_stays_with_segmentation():
    generator = np.random.default_rng(0)
    activity, corrected = (generator.random((50, 3)).astype(np.float32) for _ in range(2))
    activity *= generator.random((50, 1)).astype(np.float32)
    for share in (0.0, 0.5, 1.0):
        found = combine_activity(corrected.copy(), activity, share)
        np.testing.assert_allclose(found.max(1), np.minimum(activity.sum(1), 1), atol=1e-6)
        likeliest = corrected.argmax(1)
        speech = np.minimum(activity.sum(1), 1)
        np.testing.assert_allclose(found[np.arange(50), likeliest], speech, atol=1e-6)


def test_how_many_talk_is_said_by_both():
    """Odds of a second speaker: 1 to 4 before, 9 to 1 after, so 3 to 2 in the geometric mean."""
    activity = np.array([[0.9, 0.3, 0.0]], np.float32)
    corrected = np.array([[0.3, 0.95, 0.6]], np.float32)
    expected = {0.0: 0.2, 0.5: 0.6, 1.0: 0.9}
    for share, second in expected.items():
        found = combine_activity(corrected.copy(), activity, share)
        # Two thirds of it are the third speaker's, who was corrected to be twice as likely.
        np.testing.assert_allclose(found, [[second / 3, 1.0, 2 * second / 3]], atol=1e-5)


def test_a_share_of_the_correction_is_made(head):
    activity, local, centroids = recording(frames=31, speakers=2)
    whole, part, none = (
        TargetSpeakerVad(head, share, overlap_share=1.0)(activity, local, centroids)
        for share in (1.0, 0.5, 0.0)
    )
    np.testing.assert_allclose(
        none, combine_activity(activity.clip(0.01, 0.99), activity, 1.0), atol=1e-5
    )
    assert np.abs(part - none).mean() < np.abs(whole - none).mean()
    assert np.abs(part - whole).mean() < np.abs(whole - none).mean()


def test_there_may_be_nobody_and_a_single_speaker():
    silent, one = np.zeros((1, 2), np.float32), np.array([[0.7]], np.float32)
    assert not combine_activity(np.array([[0.9, 0.1]], np.float32), silent, 0.5).any()
    np.testing.assert_allclose(combine_activity(np.array([[0.2]], np.float32), one, 0.5), one)


def test_speakers_are_known_by_the_frames_in_which_they_talk_alone(head):
    activity, local, centroids = recording(frames=120, speakers=2)
    activity[:] = 0.0
    activity[:60, 0] = activity[60:, 1] = 0.9
    talking = activity[::FRAME_EMBEDDING_STEP] > 0.5
    known = np.stack([local.frame_embeddings[talking[:, speaker]].mean(0) for speaker in range(2)])
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    np.testing.assert_allclose(refine_centroids(activity, local, centroids), known, atol=1e-6)
    found = TargetSpeakerVad(head, share=1.0)(activity, local, centroids)
    np.testing.assert_allclose(
        found, TargetSpeakerVad(head, share=1.0)(activity, local, known), atol=1e-6
    )
    activity[:60, 1] = 0.8  # so that nobody is alone in the first half
    refined = refine_centroids(activity, local, centroids)
    np.testing.assert_array_equal(refined[0], centroids[0])
    without = replace(local, frame_embeddings=None)
    assert refine_centroids(activity, without, centroids) is centroids


def test_only_who_talks_most_takes_part(head):
    activity, local, centroids = recording(frames=40, speakers=5)
    activity[:, [1, 3]] *= 0.1
    found = TargetSpeakerVad(head, share=1.0)(activity, local, centroids)
    part = [0, 2, 4]
    known = refine_centroids(activity, local, centroids)[part]
    similarity = similarity_at(local.frame_embeddings @ known.T, np.arange(40))
    parts = (local.vad_features.astype(np.float32), known, similarity, activity[:, part])
    expected = activity.copy()
    expected[:, part] = head(*(torch.from_numpy(each)[None] for each in parts))[0].sigmoid()
    np.testing.assert_allclose(found, combine_activity(expected, activity, 0.5), atol=1e-5)
    order = [4, 3, 2, 1, 0]
    turned = TargetSpeakerVad(head, share=1.0)(activity[:, order], local, centroids[order])
    np.testing.assert_allclose(turned, found[:, order], atol=1e-5)


def test_who_never_talks_in_a_window_is_left_alone(head):
    activity, local, centroids = recording(frames=40, speakers=3)
    activity[:, 1] = 0
    found = TargetSpeakerVad(head, share=1.0)(activity, local, centroids)
    assert not found[:, 1].any()
    others = TargetSpeakerVad(head, share=1.0)(activity[:, [0, 2]], local, centroids[[0, 2]])
    np.testing.assert_allclose(found[:, [0, 2]], others, atol=1e-5)


def test_who_talks_alone_needs_no_correction(head):
    activity, local, centroids = recording(frames=40, speakers=2)
    activity[:, 1] = 0.002  # in forty frames
    found = TargetSpeakerVad(head, share=1.0)(activity, local, centroids)
    np.testing.assert_allclose(found, combine_activity(activity.copy(), activity, 0.5), atol=1e-6)


def test_nothing_is_corrected_without_features(head):
    activity, local, centroids = recording()
    assert (
        TargetSpeakerVad(head, share=1.0)(activity, replace(local, vad_features=None), centroids)
        is activity
    )
    nobody = np.zeros((len(activity), 0), np.float32)
    assert TargetSpeakerVad(head, share=1.0)(nobody, local, centroids[:0]) is nobody


def test_what_is_written_is_read(head, tmp_path):
    card = tmp_path / "a.json"
    TARGET_SPEAKER_VAD_HEADS.write(card, head, encoder="here", card={"steps": 3})
    found = TARGET_SPEAKER_VAD_HEADS.read(card, "here")
    assert found.config == SMALL
    parts = inputs()
    torch.testing.assert_close(found(*parts), head(*parts), atol=0.02, rtol=0)  # half floats
    assert json.loads(card.read_text())["steps"] == 3
    with pytest.raises(ModelError, match=r"recipes\.embedded\.target_speaker_vad\.train"):
        TARGET_SPEAKER_VAD_HEADS.read(card, "there")
    card.write_text(json.dumps({"sha256": json.loads(card.read_text())["sha256"]}))
    with pytest.raises(ModelError, match="it is no TS-VAD head"):
        TARGET_SPEAKER_VAD_HEADS.read(card, "here")


@pytest.mark.parametrize("seconds", [0.5, 70.0])
def test_features_is_that_of_every_frame(head, seconds):
    network = SpeakerNetwork(
        SpeakerNetworkConfig(
            trunk=TrunkConfig(front_channels=(4, 8), width=16, dilations=(1,)),
            pooled_channels=32,
            dimension=6,
            prefixes=(4,),
        )
    )
    config = FrameHeadConfig(width=16, channels=8, layers=1, heads=2, dimension=6)
    encoder = LocalEncoder(network, "test", FrameHead(config))
    activity = SegmentationHead(SegmentationHeadConfig(width=16, channels=8, layers=1, heads=2))
    segmenter = EmbeddedSegmenter(activity)
    audio = np.random.default_rng(0).normal(0, 0.1, round(16000 * seconds)).astype(np.float32)
    recording = analyse(open_audio(audio, 16000), encoder.log_mel)
    local = compute_local_speakers(recording, FirstPassModels(encoder, segmenter, vad_head=head))
    frames = torch.cat([block for _, block in encoder.trunk_blocks(recording)])
    assert local.vad_features.shape == (local.frames, 8)
    np.testing.assert_allclose(local.vad_features, head.features(frames), atol=5e-3)
    bare = LocalEncoder(network, "test")  # without a frame head, so without similarities
    deaf = FirstPassModels(bare, segmenter, vad_head=head)
    assert compute_local_speakers(recording, deaf).vad_features is None


def first_pass():
    """One window in which two people talk in turn."""
    _, local, centroids = recording(frames=50, speakers=2)
    talk = np.full((1, 50, 2), 0.25, np.float32)
    talk[0, :25, 0] = talk[0, 25:, 1] = 0.9
    local = replace(
        local, activity=talk, embeddings=centroids[None], seconds=(talk > 0.5).sum(1) * HOP
    )
    return FirstPass("a", 2.0, "print", local, precision="bfloat16")


def test_the_result_is_corrected_unless_it_is_not_wanted(head):
    head.correct.weight.zero_()
    head.correct.bias.fill_(6.0)  # everybody talks
    config = DiarizerConfig(units="local", reliable_s=0.5, resegmentation=None)

    def turns(config):
        first, linking = first_pass(), Linking(np.array([[0, 1]]))
        postprocessing = Postprocessing(config, Defaults(vad_head=head))
        activity = postprocessing.refine(first, linking)
        result = Diarization.from_activity(activity, first, linking, postprocessing)
        return [(turn.start, turn.end) for turn, _ in result.annotation.itertracks()]

    assert turns(replace(config, target_speaker_vad=False)) == [(0.0, 1.0), (1.0, 2.0)]
    assert set(turns(config)) == {(0.0, 2.0)}


def test_a_cached_first_pass_is_corrected_alike(tmp_path):
    cache, made = FirstPassCache(tmp_path), first_pass()
    cache.write("key", made)
    again = cache.read("key", "a")
    assert again.precision == "bfloat16"
    np.testing.assert_array_equal(again.local.vad_features, made.local.vad_features)
