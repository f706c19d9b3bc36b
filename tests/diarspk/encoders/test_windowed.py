from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from diarspk.encoders import ARCHITECTURES, WindowConfig, WindowedEncoder, build_encoder
from diarspk.encoders.architectures.ecapa import SPEECHBRAIN_ECAPA, EcapaTdnn
from diarspk.encoders.architectures.rawnet3 import RawNet3, RawNet3Config
from diarspk.encoders.architectures.registry import build_architecture, count_parameters
from diarspk.encoders.front_end import MelFrontEnd, WaveformFrontEnd
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import FeatureConfig
from tests.diarspk.encoders.architectures.test_registry import TINY_ECAPA
from tests.diarspk.encoders.local.test_encoder import noise
from tests.diarspk.encoders.local.test_network import trained_looking

# What the papers and implementations state; the classifier and RawNet3's front are not counted.
PUBLISHED = {
    "x-vector": 4_610_524,
    "x-vector-espnet": 4_617_620,
    "ecapa-c512": 6_190_720,
    "ecapa-c1024": 14_657_088,
    "ecapa-espnet-c512": 6_191_744,
    "ecapa-espnet-c1024": 14_658_112,
    "ecapa-speechbrain": 20_767_552,
    "resnet18": 4_105_440,
    "resnet34": 6_634_336,
    "resnet50": 11_131_360,
    "resnet101": 15_892_448,
    "resnet152": 19_814_880,
    "resnet221": 23_792_224,
    "resnet293": 28_626_016,
    "campplus": 7_176_224,
    "rawnet3": 16_082_368,
    "ska-tdnn": 35_812_864,
    "mfa-conformer": 52_732_480,
    "mfa-conformer-small": 20_218_432,
    "redimnet-b0": 1_249_711,
    "redimnet-b1": 2_123_481,
    "redimnet-b2": 4_888_241,
    "redimnet-b3": 3_220_413,
    "redimnet-b4": 6_432_305,
    "redimnet-b5": 7_650_545,
    "redimnet-b6": 15_006_257,
}
PARTS = {  # encoder, pooling
    "x-vector-espnet": (2_818_452, 0),
    "ecapa-espnet-c1024": (13_273_600, 788_352),
    "rawnet3": (14_697_856, 788_352),
    "ska-tdnn": (34_427_968, 788_352),
    "mfa-conformer": (49_964_032, 1_576_320),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_parameters_are_as_published(name):
    with torch.device("meta"):
        assert count_parameters(build_architecture(name)) == PUBLISHED[name]


@pytest.mark.parametrize("name", PARTS)
def test_parameters_lie_where_they_are_published(name):
    with torch.device("meta"):
        network = build_architecture(name)
    projector = ("seg_", "bn.", "linear")
    counts = [0, 0]
    for key, parameter in network.named_parameters():
        if not key.startswith(("front.", *projector)):
            counts[key.startswith("pool.")] += parameter.numel()
    assert tuple(counts) == PARTS[name]


def test_a_seed_gives_the_same_weights_and_leaves_the_global_state():
    before = torch.get_rng_state()
    first, second = (build_encoder("redimnet-b0", dimension=8, seed=3) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert first.fingerprint == second.fingerprint
    assert first.fingerprint != build_encoder("redimnet-b0", dimension=8, seed=4).fingerprint
    assert first.dimension == 8


def test_any_pooling_can_be_chosen():
    network = build_architecture("redimnet-b0", pooling="mean")
    assert network.pool.statistics == 720


@pytest.mark.parametrize("changes", [{"name": "lstm"}, {"name": "resnet18", "pooling": "max"}])
def test_what_is_not_there_is_an_error(changes):
    with pytest.raises(ArgumentError, match=r"must be .*, got '(lstm|max)'"):
        build_architecture(**changes)


def mel_encoder(**changes):
    torch.manual_seed(0)
    network = EcapaTdnn(replace(SPEECHBRAIN_ECAPA, **TINY_ECAPA))
    front_end = MelFrontEnd(FeatureConfig(mels=16))
    return WindowedEncoder(trained_looking(network), front_end, WindowConfig(**changes))


def raw_encoder(**changes):
    torch.manual_seed(0)
    config = RawNet3Config(5, filters=8, kernel=31, channels=16, aggregated=12)
    network = trained_looking(RawNet3(config))
    return WindowedEncoder(network, WaveformFrontEnd(), WindowConfig(**changes))


@pytest.fixture(scope="module", params=[mel_encoder, raw_encoder])
def make(request):
    return request.param


@pytest.fixture(scope="module")
def encoder(make):
    return make()


def test_an_embedding_is_a_unit_vector(encoder):
    vector = encoder.embed(noise(1.0), 16000)
    assert vector.shape == (encoder.dimension,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_a_span_is_what_is_cut_out(encoder):
    audio = noise(3.0)
    spans = [(0.5, 2.0), (0.0, 3.0), (2.9, 3.5), (1.0, 1.1)]
    vectors = encoder.embed(audio, 16000, spans)
    for vector, (start, end) in zip(vectors, spans, strict=True):
        alone = encoder.embed(audio[round(start * 16000) : round(end * 16000)], 16000)
        np.testing.assert_allclose(vector, alone, atol=1e-5)


def test_a_batch_equals_one_by_one(make):
    encoder = make(batch=2.0)
    audio = [noise(0.5, 1), noise(2.0, 2), noise(1.0, 3), noise(1.0, 4)[:9000]]
    together = encoder.embed_batch(audio, 16000)
    np.testing.assert_allclose(together, [encoder.embed(item, 16000) for item in audio], atol=1e-5)
    assert encoder.embed_batch([]).shape == (0, encoder.dimension)


def test_a_long_recording_is_the_mean_of_its_parts(make):
    audio = noise(4.0)
    parts = make().embed(audio, 16000, [(0, 2), (2, 4)]).sum(axis=0)
    whole = make(longest=2.5).embed(audio, 16000)
    np.testing.assert_allclose(whole, parts / np.linalg.norm(parts), atol=1e-5)


def test_frame_embeddings_are_of_windows(encoder):
    audio = noise(2.0)
    frames = encoder.embed_frames(audio, 16000)
    assert (frames.hop, frames.start, len(frames.data)) == (0.08, 0.04, 25)
    assert frames.hop == encoder.frame_hop
    np.testing.assert_allclose(
        frames.data[0], encoder.embed(audio, 16000, [(0, 0.79)])[0], atol=1e-5
    )
    np.testing.assert_allclose(
        frames.data[12], encoder.embed(audio, 16000, [(0.25, 1.75)])[0], atol=1e-5
    )


def test_frame_features_come_every_stride(encoder):
    frames = encoder.encode_frames(noise(2.0), 16000)
    hop = encoder.network.stride * encoder.front_end.hop_samples / 16000
    assert frames.hop == pytest.approx(hop)
    assert frames.start + len(frames.data) * hop == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("samples", [1, 10, 400])
def test_the_shortest_audio_is_repeated(encoder, samples):
    assert np.isfinite(encoder.embed(noise(0.5)[:samples], 16000)).all()


@pytest.mark.parametrize("span", [(1.0, 1.0), (2.0, 1.0), (-0.5, 1.0), (5.0, 6.0)])
def test_a_span_outside_is_an_error(encoder, span):
    with pytest.raises(ArgumentError, match="`spans` must be"):
        encoder.embed(noise(2.0), 16000, [span])


def test_the_fingerprint_tells_weights_and_features():
    encoder, other = mel_encoder(), mel_encoder()
    assert encoder.fingerprint == other.fingerprint
    changed = WindowedEncoder(other.network, MelFrontEnd(FeatureConfig(mels=16, window="povey")))
    assert changed.fingerprint != encoder.fingerprint
    other.network.linear.bias.data += 1
    assert WindowedEncoder(other.network, other.front_end).fingerprint != encoder.fingerprint
