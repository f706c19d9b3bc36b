"""Front ends as encoders, by hand-made statistics of their layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diarspk.encoders.upstreams import FrontEndEncoder, load_upstream, parse_upstream
from tests.diarspk.encoders.local.test_encoder import noise
from tests.diarspk.encoders.upstreams.small import skip_without_s3prl, write_local

skip_without_s3prl()

pytestmark = pytest.mark.filterwarnings("ignore")

RATE = 16000


def load(name):
    return FrontEndEncoder(load_upstream(parse_upstream(name)))


@pytest.fixture(scope="module")
def name(tmp_path_factory):
    return write_local(tmp_path_factory.mktemp("front_end") / "front.pt", "wavlm_local")


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def test_an_embedding_is_the_weighted_sum_of_the_statistics_of_all_layers(name):
    encoder = load(name)
    waveform = noise(1.0)
    with torch.inference_mode():
        lengths = torch.tensor([len(waveform)])
        hidden, _ = encoder.upstream.network(torch.from_numpy(waveform)[None], lengths)
    layers = [one[0].numpy() for one in hidden]
    statistics = [unit(np.concatenate([one.mean(0), one.std(0)])) for one in layers]
    assert (encoder.layers, encoder.dimension) == (len(layers), 32)
    np.testing.assert_allclose(
        encoder.embed(waveform, RATE), unit(np.mean(statistics, axis=0)), atol=1e-5
    )
    equal = encoder.fingerprint
    encoder.upstream.weights.data[1] = 2.0
    shares = np.exp([0.0, 2.0, 0.0])
    np.testing.assert_allclose(
        encoder.embed(waveform, RATE), unit(shares @ np.array(statistics)), atol=1e-5
    )
    assert encoder.loaded_as == equal == load(name).fingerprint != encoder.fingerprint


def test_a_frame_is_made_of_the_frames_around_it(name):
    encoder = load(name)
    waveform = noise(1.0)
    frames = encoder.embed_frames(waveform, RATE)
    with torch.inference_mode():
        layers = encoder.upstream.compute_layers(torch.from_numpy(waveform)[None])[0].numpy()
    assert frames.data.shape == (layers.shape[1], encoder.dimension)
    assert frames.hop == encoder.frame_hop == 320 / RATE
    for middle in (0, 20, layers.shape[1] - 1):
        around = layers[:, max(middle - 5, 0) : middle + 6]
        own = unit(np.concatenate([around.mean(1), around.std(1)], axis=-1))
        np.testing.assert_allclose(frames.data[middle], unit(own.mean(0)), atol=1e-3)


def test_short_audio_is_repeated_and_batches_are_no_matter(name):
    encoder = load(name)
    clips = [noise(1.0)[:160], noise(1.0, 1)[:11200], noise(1.5, 2)]
    together = encoder.embed_batch(clips, RATE)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    for clip, vector in zip(clips, together, strict=True):
        np.testing.assert_allclose(encoder.embed(clip, RATE), vector, atol=1e-6)


def test_a_front_end_of_one_layer_has_no_weights():
    encoder = load("s3prl:fbank_no_cmvn")
    assert encoder.layers == 1 and encoder.fingerprint == encoder.loaded_as
    assert encoder.embed(noise(1.0), RATE).shape == (encoder.dimension,)
