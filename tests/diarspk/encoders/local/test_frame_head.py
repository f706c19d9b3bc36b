import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import diarspk
from diarspk.checkpoints import heads
from diarspk.encoders import (
    FrameHead,
    FrameHeadConfig,
    LocalEncoder,
    SpeakerNetwork,
    SpeakerNetworkConfig,
    TrunkConfig,
)
from diarspk.encoders.local import encoder as local_module
from diarspk.encoders.local.frame_head import FRAME_HEADS, FrameStream
from diarspk.encoders.local.region_pooling import Region
from diarspk.errors import ModelError

NETWORK = SpeakerNetworkConfig(
    trunk=TrunkConfig(front_channels=(4, 8), width=16, dilations=(1, 2)),
    pooled_channels=32,
    dimension=8,
    prefixes=(4,),
)
SMALL = FrameHeadConfig(
    width=16, channels=8, layers=2, heads=2, kernel=5, reach=6, pooled_reach=8, dimension=8
)


def trained(config: FrameHeadConfig = SMALL, seed: int = 0) -> FrameHead:
    """A head whose every weight is random, as if it had been trained."""
    generator = torch.Generator().manual_seed(seed)
    head = FrameHead(config).eval().requires_grad_(False)
    for parameter in head.parameters():
        parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return head


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return SpeakerNetwork(NETWORK).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def utterance(network):
    return network.utterance


@pytest.fixture(scope="module")
def head():
    return trained()


def frames_of(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).relu()


@settings(deadline=None, max_examples=10)
@given(length=st.integers(1, 130))
def test_every_frame_has_a_unit_vector(head, utterance, length):
    vectors = head(frames_of(2, length, 16), utterance)
    assert vectors.shape == (2, length, 8)
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(2, length))


@settings(deadline=None, max_examples=10)
@given(length=st.integers(1, 120), more=st.integers(1, 70), rubbish=st.sampled_from([9.0, np.nan]))
def test_padding_changes_nothing(head, utterance, length, more, rubbish):
    frames = frames_of(1, length, 16)
    padded = torch.cat([frames, torch.full((1, more, 16), rubbish)], dim=1)
    mask = torch.arange(length + more)[None] < length
    vectors = head(padded, utterance, mask)
    torch.testing.assert_close(vectors[:, :length], head(frames, utterance), atol=1e-5, rtol=0)
    assert vectors[:, length:].eq(0).all()


def test_masked_frames_have_no_influence_wherever_they_are(head, utterance):
    frames = frames_of(1, 90, 16)
    mask = torch.ones(1, 90, dtype=torch.bool)
    mask[:, 30:60] = False  # longer than the reach: frames 36 to 53 have no valid neighbour
    other = torch.where(mask[..., None], frames, 5 * frames_of(1, 90, 16, seed=1))
    vectors = head(frames, utterance, mask)
    assert vectors.isfinite().all()
    assert torch.equal(vectors, head(other, utterance, mask))
    assert not torch.allclose(head(frames, utterance), head(other, utterance))


def test_a_batch_equals_one_by_one(head, utterance):
    frames = frames_of(3, 70, 16)
    alone = torch.cat([head(one[None], utterance) for one in frames])
    torch.testing.assert_close(head(frames, utterance), alone, atol=1e-5, rtol=0)


@settings(deadline=None, max_examples=10)
@given(shift=st.integers(1, 70))
def test_a_shift_moves_the_vectors_along(head, utterance, shift):
    frames, edge = frames_of(1, 150, 16), SMALL.context
    whole, shifted = head(frames, utterance), head(frames[:, shift:], utterance)
    torch.testing.assert_close(whole[:, shift + edge :], shifted[:, edge:], atol=1e-5, rtol=0)


def test_nothing_beyond_the_context_changes_an_embedding(head, utterance):
    frames, middle = frames_of(1, 121, 16), 60
    changed = []
    for distance in (SMALL.context + 1, SMALL.pooled_reach // 2):
        other = frames.clone()
        other[:, [middle - distance, middle + distance]] += 3.0
        difference = head(other, utterance) - head(frames, utterance)
        changed.append(difference[:, middle].abs().max().item())
    assert changed[0] < 1e-5 < 1e-3 < changed[1]


def test_without_training_a_frame_is_pooled_with_those_around_it(utterance):
    head = FrameHead(SMALL).eval()
    frames = frames_of(1, 60, 16)
    distance = (torch.arange(60)[:, None] - torch.arange(60)).abs()
    bell = torch.exp(-8 * (distance / 8) ** 2) * (distance <= 8)
    pooled = utterance(frames, (bell / bell.sum(1, keepdim=True))[None])
    expected = torch.nn.functional.normalize(pooled, dim=-1)
    torch.testing.assert_close(head(frames, utterance), expected, atol=1e-4, rtol=0)


@settings(deadline=None, max_examples=15)
@given(lengths=st.lists(st.integers(1, 80), min_size=1, max_size=6))
def test_a_stream_equals_one_pass(head, utterance, lengths):
    frames = frames_of(1, sum(lengths), 16)
    streamed = torch.cat(list(head.stream(frames[0].split(lengths), utterance)))
    torch.testing.assert_close(streamed, head(frames, utterance)[0], atol=1e-5, rtol=0)


@settings(deadline=None, max_examples=15)
@given(
    lengths=st.lists(st.integers(1, 80), min_size=1, max_size=6),
    every=st.integers(1, 90),
)
def test_a_stream_can_leave_frames_out(head, utterance, lengths, every):
    frames = frames_of(1, sum(lengths), 16)
    stream = FrameStream(head, utterance, every)
    moments = utterance.frame_moments(frames)[0]
    blocks = zip(frames[0].split(lengths), moments.split(lengths), strict=True)
    parts = [stream.push(block, one) for block, one in blocks]
    streamed = torch.cat([*parts, stream.flush()])
    torch.testing.assert_close(streamed, head(frames, utterance)[0, ::every], atol=1e-5, rtol=0)


def test_a_stream_holds_no_more_than_it_needs(head, utterance, monkeypatch):
    held, forward = [], FrameHead.forward
    monkeypatch.setattr(
        FrameHead,
        "forward",
        lambda self, frames, *rest, **more: (
            held.append(frames.shape[1]) or forward(self, frames, *rest, **more)
        ),
    )
    blocks = frames_of(1, 2000, 16)[0].split(100)
    assert sum(map(len, head.stream(blocks, utterance))) == 2000
    assert max(held) <= 100 + 2 * SMALL.context


def test_the_default_is_small_and_fine():
    config, network = FrameHeadConfig(), SpeakerNetworkConfig()
    assert (config.width, config.dimension) == (network.trunk.width, network.dimension)
    assert 0.5e6 < sum(p.numel() for p in FrameHead(config).parameters()) < 1e6
    encoder = diarspk.load_encoder()
    assert 3.2 / encoder.frame_hop >= 40
    assert 3.0 <= (2 * config.pooled_reach + 1) * encoder.frame_hop <= 4.0


def test_what_is_written_is_read(head, utterance, tmp_path):
    FRAME_HEADS.write(tmp_path / "a.json", head, encoder="here", card={"steps": 3})
    found = FRAME_HEADS.read(tmp_path / "a.json", "here")
    assert found.config == head.config
    frames = frames_of(1, 60, 16)
    assert (found(frames, utterance) * head(frames, utterance)).sum(-1).min() > 0.999  # half floats
    assert json.loads((tmp_path / "a.json").read_text())["steps"] == 3
    with pytest.raises(ModelError, match="belongs to the encoder here, not to there"):
        FRAME_HEADS.read(tmp_path / "a.json", "there")


def test_what_is_no_frame_head_is_refused(head, tmp_path):
    card = tmp_path / "a.json"
    FRAME_HEADS.write(card, head, encoder="here", card={})
    stored = json.loads(card.read_text())
    card.write_text(json.dumps({**stored, "frames": {**stored["frames"], "channels": 16}}))
    with pytest.raises(ModelError, match="does not fit the tensors"):
        FRAME_HEADS.read(card, "here")
    card.write_text(json.dumps({**stored, "frames": {**stored["frames"], "colour": 1}}))
    with pytest.raises(ModelError, match="does not fit the tensors"):
        FRAME_HEADS.read(card, "here")
    card.write_text(json.dumps({"sha256": stored["sha256"]}))
    with pytest.raises(ModelError, match="it is no frame head"):
        FRAME_HEADS.read(card, "here")


def noise(seconds: float) -> np.ndarray:
    generator = np.random.default_rng(0)
    pieces = [
        generator.standard_normal(8000) * generator.uniform(0.01, 0.1)
        for _ in range(round(seconds * 2))
    ]
    return np.concatenate(pieces).astype(np.float32)


def test_an_encoder_embeds_frames_by_its_head(network, head, monkeypatch):
    audio = noise(12.0)
    plain = LocalEncoder(network, "here")
    encoder = LocalEncoder(network, "here", head)
    assert encoder.fingerprint == plain.fingerprint
    assert np.array_equal(encoder.embed(audio, 16000), plain.embed(audio, 16000))
    before, after = plain.embed_frames(audio, 16000), encoder.embed_frames(audio, 16000)
    assert (after.hop, after.start, after.data.shape) == (
        before.hop,
        before.start,
        before.data.shape,
    )
    assert after.data.dtype == np.float32
    assert not np.allclose(after.data, before.data, atol=1e-2)
    ((_, frames),) = plain.trunk_blocks(plain.analyse(audio, 16000))
    expected = head(frames[None], network.utterance)[0].numpy()
    np.testing.assert_allclose(after.data, expected, atol=1e-5)
    monkeypatch.setattr(local_module, "BLOCK_FRAMES", 37)
    np.testing.assert_allclose(encoder.embed_frames(audio, 16000).data, after.data, atol=1e-5)


def test_without_a_head_each_frame_is_embedded_alone(network):
    encoder, audio = LocalEncoder(network, "here"), noise(1.0)
    recording = encoder.analyse(audio, 16000)
    regions = [Region(i, np.ones(1, np.float32)) for i in range(encoder.count_frames(recording))]
    alone = encoder.embed_regions(recording, regions)
    np.testing.assert_allclose(encoder.embed_frames(audio, 16000).data, alone, atol=1e-5)


def test_a_head_among_the_assets_is_loaded_with_its_encoder(tmp_path, monkeypatch):
    plain = diarspk.load_encoder()
    head = trained(replace(SMALL, width=512, dimension=192))
    (tmp_path / "frames").mkdir()
    card = tmp_path / "frames" / f"{plain.fingerprint}.json"
    FRAME_HEADS.write(card, head, encoder=plain.fingerprint, card={})
    monkeypatch.setattr(heads, "asset_folder", lambda: tmp_path)
    encoder = diarspk.load_encoder()
    assert encoder.frame_head is not None
    assert encoder.frame_head.config == head.config
    assert encoder.fingerprint == plain.fingerprint
