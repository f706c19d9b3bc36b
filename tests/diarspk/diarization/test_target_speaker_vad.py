"""The target activity head, and its use on a recording whose speakers are known."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from diarspk.audio import open_audio
from diarspk.diarization import result as results
from diarspk.diarization.cache import SessionCache
from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.first_pass import LocalSpeakers, read_local_speakers
from diarspk.diarization.resegmentation import find_directions
from diarspk.diarization.session import Session
from diarspk.diarization.target_speaker_vad import TargetActivity, combine, likeness_at
from diarspk.diarization.tracks import VOICE_STEP
from diarspk.encoders import FrameHead, FrameHeadConfig, SpeakerNetwork, SpeakerNetworkConfig
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.trunk import TrunkConfig
from diarspk.errors import ModelError
from diarspk.features.recording import analyse
from diarspk.segmentation import ActivityHead, ActivityHeadConfig, ActivitySegmenter
from diarspk.segmentation.target_speaker_vad import (
    TARGET_HEADS,
    TargetActivityConfig,
    TargetActivityHead,
)

SMALL = TargetActivityConfig(
    width=16, channels=8, layers=2, heads=2, kernel=5, dimension=6, window_s=2.0, speakers=3
)
HOP = 0.04


@pytest.fixture
def head():
    """A head that corrects a good deal."""
    torch.manual_seed(0)
    head = TargetActivityHead(SMALL)
    torch.nn.init.normal_(head.correct.weight)
    return head.eval().requires_grad_(False)


def inputs(batch=2, frames=40, speakers=3, seed=1):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.rand(*shape, generator=generator)

    directions = torch.nn.functional.normalize(draw(batch, speakers, 6) - 0.5, dim=-1)
    likeness, prior = 2 * draw(batch, frames, speakers) - 1, draw(batch, frames, speakers)
    return draw(batch, frames, 8), directions, likeness, prior


def test_an_untrained_head_changes_nothing():
    parts = inputs()
    found = TargetActivityHead(SMALL)(*parts).sigmoid()
    torch.testing.assert_close(found, parts[-1].clamp(0.01, 0.99))


def test_the_order_of_speakers_does_not_matter(head):
    evidence, directions, likeness, prior = inputs()
    order = torch.tensor([2, 0, 1])
    turned = head(evidence, directions[:, order], likeness[..., order], prior[..., order])
    torch.testing.assert_close(turned, head(evidence, directions, likeness, prior)[..., order])


def test_who_takes_no_part_keeps_the_prior_and_is_not_heard(head):
    evidence, directions, likeness, prior = inputs()
    present = torch.tensor([[True, True, False]] * 2)
    found = head(evidence, directions, likeness, prior, present)
    torch.testing.assert_close(found[..., 2], torch.logit(prior[..., 2], 0.01))
    alone = head(evidence, directions[:, :2], likeness[..., :2], prior[..., :2])
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


def test_clues_by_hand():
    head = TargetActivityHead(SMALL)
    likeness = torch.tensor([[[0.9, 0.4, 0.1]]])
    prior = torch.tensor([[[0.5, 0.8, 0.3]]])
    present = torch.tensor([[True, True, False]])
    clues = head.clues(likeness, prior, present)[0, 0]
    logit = math.log(0.8 / 0.2) / 4
    expected = torch.tensor([[0, 0.9, 0.8, 0.4, 1.3], [logit, 0.4, 0.5, 0.9, 1.3]])
    torch.testing.assert_close(clues[:2], expected)
    single = head.clues(likeness[..., :1], prior[..., :1], present[:, :1])[0, 0, 0]
    torch.testing.assert_close(single, torch.tensor([0, 0.9, 0, -1.0, 0.5]))


def test_likeness_is_interpolated():
    cosines = np.random.default_rng(0).random((4, 2)).astype(np.float32)
    frames = np.arange(23)
    expected = [np.interp(frames, VOICE_STEP * np.arange(4), column) for column in cosines.T]
    found = likeness_at(cosines, frames[:, None])
    assert found.shape == (23, 1, 2)
    np.testing.assert_allclose(found[:, 0], np.stack(expected, 1), atol=1e-6)


def recording(frames=173, speakers=4, seed=0):
    """Activity, local speakers and directions of a recording."""
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
        voices=units(-(-frames // VOICE_STEP)),
        evidence=generator.random((frames, 8)).astype(np.float16),
    )
    return generator.random((frames, speakers)).astype(np.float32), local, units(speakers)


def test_a_short_recording_is_one_window(head):
    activity, local, directions = recording(frames=31, speakers=3)
    found = TargetActivity(head, share=1.0)(activity, local, directions)
    directions = find_directions(activity, local, directions)
    likeness = likeness_at(local.voices @ directions.T, np.arange(31))
    parts = (local.evidence.astype(np.float32), directions, likeness, activity)
    expected = head(*(torch.from_numpy(part)[None] for part in parts))[0].sigmoid()
    np.testing.assert_allclose(found, combine(expected.numpy(), activity, 0.5), atol=1e-5)


def test_a_long_recording_is_corrected_window_by_window(head):
    activity, local, directions = recording(frames=173, speakers=3)
    found = TargetActivity(head, share=1.0)(activity, local, directions)
    assert found.shape == activity.shape
    directions = find_directions(activity, local, directions)
    starts = [0, 38, 76, 114, 123]  # of windows of 50 frames, the last flush with the end
    edges = [0, 44, 82, 120, 143.5, 173]
    for start, first, last in zip(starts, edges[:-1], edges[1:], strict=True):
        inside = slice(start, start + 50)
        part = replace(local, frames=50, evidence=local.evidence[inside])
        cosines = likeness_at(local.voices @ directions.T, np.arange(start, start + 50))
        parts = (part.evidence.astype(np.float32), directions, cosines, activity[inside])
        expected = head(*(torch.from_numpy(each)[None] for each in parts))[0].sigmoid().numpy()
        kept = np.arange(int(first), int(last))
        expected = combine(expected[kept - start], activity[kept], 0.5)
        np.testing.assert_allclose(found[kept], expected, atol=1e-5)


def test_whether_anybody_talks_stays_with_segmentation():
    generator = np.random.default_rng(0)
    activity, corrected = (generator.random((50, 3)).astype(np.float32) for _ in range(2))
    activity *= generator.random((50, 1)).astype(np.float32)
    for share in (0.0, 0.5, 1.0):
        found = combine(corrected.copy(), activity, share)
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
        found = combine(corrected.copy(), activity, share)
        # Two thirds of it are the third speaker's, who was corrected to be twice as likely.
        np.testing.assert_allclose(found, [[second / 3, 1.0, 2 * second / 3]], atol=1e-5)


def test_a_share_of_the_correction_is_made(head):
    activity, local, directions = recording(frames=31, speakers=2)
    whole, part, none = (
        TargetActivity(head, share, overlap_share=1.0)(activity, local, directions)
        for share in (1.0, 0.5, 0.0)
    )
    np.testing.assert_allclose(none, combine(activity.clip(0.01, 0.99), activity, 1.0), atol=1e-5)
    assert np.abs(part - none).mean() < np.abs(whole - none).mean()
    assert np.abs(part - whole).mean() < np.abs(whole - none).mean()


def test_there_may_be_nobody_and_a_single_speaker():
    silent, one = np.zeros((1, 2), np.float32), np.array([[0.7]], np.float32)
    assert not combine(np.array([[0.9, 0.1]], np.float32), silent, 0.5).any()
    np.testing.assert_allclose(combine(np.array([[0.2]], np.float32), one, 0.5), one)


def test_speakers_are_known_by_the_frames_in_which_they_talk_alone(head):
    activity, local, directions = recording(frames=120, speakers=2)
    activity[:] = 0.0
    activity[:60, 0] = activity[60:, 1] = 0.9
    talking = activity[::VOICE_STEP] > 0.5
    known = np.stack([local.voices[talking[:, speaker]].mean(0) for speaker in range(2)])
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    np.testing.assert_allclose(find_directions(activity, local, directions), known, atol=1e-6)
    found = TargetActivity(head, share=1.0)(activity, local, directions)
    np.testing.assert_allclose(
        found, TargetActivity(head, share=1.0)(activity, local, known), atol=1e-6
    )
    activity[:60, 1] = 0.8  # so that nobody is alone in the first half
    kept = find_directions(activity, local, directions)
    np.testing.assert_array_equal(kept[0], directions[0])
    unheard = replace(local, voices=None)
    assert find_directions(activity, unheard, directions) is directions


def test_only_who_talks_most_takes_part(head):
    activity, local, directions = recording(frames=40, speakers=5)
    activity[:, [1, 3]] *= 0.1
    found = TargetActivity(head, share=1.0)(activity, local, directions)
    part = [0, 2, 4]
    known = find_directions(activity, local, directions)[part]
    likeness = likeness_at(local.voices @ known.T, np.arange(40))
    parts = (local.evidence.astype(np.float32), known, likeness, activity[:, part])
    expected = activity.copy()
    expected[:, part] = head(*(torch.from_numpy(each)[None] for each in parts))[0].sigmoid()
    np.testing.assert_allclose(found, combine(expected, activity, 0.5), atol=1e-5)
    order = [4, 3, 2, 1, 0]
    turned = TargetActivity(head, share=1.0)(activity[:, order], local, directions[order])
    np.testing.assert_allclose(turned, found[:, order], atol=1e-5)


def test_who_never_talks_in_a_window_is_left_alone(head):
    activity, local, directions = recording(frames=40, speakers=3)
    activity[:, 1] = 0
    found = TargetActivity(head, share=1.0)(activity, local, directions)
    assert not found[:, 1].any()
    others = TargetActivity(head, share=1.0)(activity[:, [0, 2]], local, directions[[0, 2]])
    np.testing.assert_allclose(found[:, [0, 2]], others, atol=1e-5)


def test_who_talks_alone_needs_no_correction(head):
    activity, local, directions = recording(frames=40, speakers=2)
    activity[:, 1] = 0.002  # in forty frames
    found = TargetActivity(head, share=1.0)(activity, local, directions)
    np.testing.assert_allclose(found, combine(activity.copy(), activity, 0.5), atol=1e-6)


def test_nothing_is_corrected_without_evidence(head):
    activity, local, directions = recording()
    assert (
        TargetActivity(head, share=1.0)(activity, replace(local, evidence=None), directions)
        is activity
    )
    nobody = np.zeros((len(activity), 0), np.float32)
    assert TargetActivity(head, share=1.0)(nobody, local, directions[:0]) is nobody


def test_what_is_written_is_read(head, tmp_path):
    card = tmp_path / "a.json"
    TARGET_HEADS.write(card, head, encoder="here", card={"steps": 3})
    found = TARGET_HEADS.read(card, "here")
    assert found.config == SMALL
    parts = inputs()
    torch.testing.assert_close(found(*parts), head(*parts), atol=0.02, rtol=0)  # half floats
    assert json.loads(card.read_text())["steps"] == 3
    with pytest.raises(ModelError, match=r"recipes\.embedded\.targets\.train"):
        TARGET_HEADS.read(card, "there")
    card.write_text(json.dumps({"sha256": json.loads(card.read_text())["sha256"]}))
    with pytest.raises(ModelError, match="it is no target activity head"):
        TARGET_HEADS.read(card, "here")


@pytest.mark.parametrize("seconds", [0.5, 70.0])
def test_evidence_is_that_of_every_frame(head, seconds):
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
    activity = ActivityHead(ActivityHeadConfig(width=16, channels=8, layers=1, heads=2))
    segmenter = ActivitySegmenter(activity)
    audio = np.random.default_rng(0).normal(0, 0.1, round(16000 * seconds)).astype(np.float32)
    features = analyse(open_audio(audio, 16000), encoder.log_mel)
    local = read_local_speakers(features, encoder, segmenter, target_head=head)
    frames = torch.cat([block for _, block in encoder.trunk_blocks(features)])
    assert local.evidence.shape == (local.frames, 8)
    np.testing.assert_allclose(local.evidence, head.listen(frames), atol=5e-3)
    deaf = LocalEncoder(network, "test")  # no frame head, so no likeness to go by
    assert read_local_speakers(features, deaf, segmenter, target_head=head).evidence is None


def session():
    """One window in which two people talk in turn."""
    _, local, directions = recording(frames=50, speakers=2)
    talk = np.full((1, 50, 2), 0.25, np.float32)
    talk[0, :25, 0] = talk[0, 25:, 1] = 0.9
    local = replace(
        local, activity=talk, embeddings=directions[None], seconds=(talk > 0.5).sum(1) * HOP
    )
    return Session("a", 2.0, "print", local, precision="bfloat16")


def test_the_result_is_corrected_unless_it_is_not_wanted(head, monkeypatch):
    asked = []
    head.correct.weight.zero_()
    head.correct.bias.fill_(6.0)  # everybody talks
    monkeypatch.setattr(results, "shipped_target_head", lambda name: asked.append(name) or head)
    config = DiarizerConfig(units="local", reliable_s=0.5, resegmentation=None)
    labels = np.array([[0, 1]])
    one = results.assemble(session(), config, labels, {}, {})
    assert asked == ["print"]
    plain = results.assemble(session(), replace(config, target_activity=False), labels, {}, {})
    assert asked == ["print"]
    turns = [(t.start, t.end) for t, _ in plain.annotation.itertracks()]
    assert turns == [(0.0, 1.0), (1.0, 2.0)]
    assert {(t.start, t.end) for t, _ in one.annotation.itertracks()} == {(0.0, 2.0)}


def test_a_cached_session_is_corrected_alike(tmp_path):
    cache, made = SessionCache(tmp_path), session()
    cache.write("key", made)
    again = cache.read("key", "a")
    assert again.precision == "bfloat16"
    np.testing.assert_array_equal(again.local.evidence, made.local.evidence)
