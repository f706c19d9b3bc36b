import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.encoders import LocalEncoder, SpeakerNetwork, SpeakerNetworkConfig, TrunkConfig
from diarspk.encoders.local import encoder as local_module
from diarspk.errors import ArgumentError

SMALL = SpeakerNetworkConfig(
    trunk=TrunkConfig(front_channels=(4, 8), width=16, dilations=(1, 2)),
    pooled_channels=32,
    dimension=8,
    prefixes=(4,),
)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return LocalEncoder(SpeakerNetwork(SMALL), fingerprint="test")


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    """Noise whose colour and level change every half second, ``(time,)``."""
    generator = np.random.default_rng(seed)
    pieces = [
        np.convolve(generator.standard_normal(8000), generator.standard_normal(9), "same")
        * generator.uniform(0.01, 0.1)
        for _ in range(round(seconds * 2))
    ]
    return np.concatenate(pieces).astype(np.float32)


def test_an_embedding_is_a_unit_vector(encoder):
    vector = encoder.embed(noise(2.0), 16000)
    assert vector.shape == (8,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_without_spans_the_whole_is_one(encoder):
    audio = noise(2.0)
    whole = encoder.embed(audio, 16000, spans=[(0.0, 2.0)])
    np.testing.assert_allclose(whole[0], encoder.embed(audio, 16000), atol=1e-6)


def test_blocks_do_not_show(encoder, monkeypatch):
    audio, spans = noise(12.0), [(0.0, 12.0), (1.0, 2.5), (3.9, 8.2), (11.0, 12.0)]
    once = encoder.embed(audio, 16000, spans)
    frames = encoder.embed_frames(audio, 16000).data
    monkeypatch.setattr(local_module, "BLOCK_FRAMES", 37)
    np.testing.assert_allclose(encoder.embed(audio, 16000, spans), once, atol=1e-5)
    np.testing.assert_allclose(encoder.embed_frames(audio, 16000).data, frames, atol=1e-5)


@settings(deadline=None, max_examples=10)
@given(st.floats(0.05, 1.0))
def test_volume_does_not_matter(encoder, gain):
    audio = noise(1.5)
    quiet = encoder.embed(audio * np.float32(gain), 16000)
    assert float(quiet @ encoder.embed(audio, 16000)) > 0.9999


def test_a_batch_equals_one_by_one(encoder):
    audio = [noise(0.5, 1), noise(2.0, 2), noise(1.0, 3)]
    together = encoder.embed_batch(audio, 16000)
    np.testing.assert_allclose(together, [encoder.embed(item, 16000) for item in audio], atol=1e-6)
    assert encoder.embed_batch([]).shape == (0, 8)


def test_a_span_is_close_to_the_cut_out(encoder):
    audio = noise(6.0)
    span = encoder.embed(audio, 16000, [(2.0, 5.0)])[0]
    assert float(span @ encoder.embed(audio[32000:80000], 16000)) > 0.98


def test_frames_come_every_hop(encoder):
    frames = encoder.embed_frames(noise(2.0), 16000)
    assert frames.hop == pytest.approx(0.04)
    assert len(frames.data) == -(-198 // 4)
    np.testing.assert_allclose(np.linalg.norm(frames.data, axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("span", [(1.0, 1.0), (2.0, 1.0), (-0.5, 1.0), (5.0, 6.0)])
def test_a_span_outside_is_an_error(encoder, span):
    with pytest.raises(ArgumentError, match="`spans` must be"):
        encoder.embed(noise(2.0), 16000, [span])


@pytest.mark.parametrize("seconds", [0.01, 0.1])
def test_a_tenth_of_a_second_is_enough(encoder, seconds):
    vector = encoder.embed(noise(0.5)[: round(seconds * 16000)], 16000)
    assert np.isfinite(vector).all()


def test_silence_has_an_embedding(encoder):
    assert np.isfinite(encoder.embed(np.zeros(16000, np.float32), 16000)).all()


def test_the_same_audio_gives_the_same_vector(encoder):
    audio = noise(3.0)
    assert np.array_equal(encoder.embed(audio, 16000), encoder.embed(audio.copy(), 16000))


def test_embeddings_are_projected(encoder):
    embeddings = encoder.embed_batch([noise(1.0, seed=seed) for seed in range(3)], 16000)
    for method in ("session", "principal", "trained"):
        assert encoder.project(embeddings, 4, method=method).shape == (3, 4)
    with pytest.raises(ArgumentError, match="`embeddings` must be of shape"):
        encoder.project(embeddings[:, :5], 4)
