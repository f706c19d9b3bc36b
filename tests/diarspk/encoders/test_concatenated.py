"""Several encoders side by side: cosines are means, and frames those of the first."""

from __future__ import annotations

import numpy as np
import pytest

from diarspk import load_encoder
from diarspk.encoders import ConcatenatedEncoder
from diarspk.errors import ArgumentError
from tests.diarspk.encoders.local.test_encoder import noise
from tests.tiny_model import write_tiny_model

RATE = 16000


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    cards = [write_tiny_model(tmp_path_factory.mktemp("tiny"), seed=seed) for seed in range(3)]
    return ConcatenatedEncoder([load_encoder(card) for card in cards])


def test_a_cosine_is_the_mean_of_all(several):
    clips = [noise(2.0, seed) for seed in range(3)]
    joined = several.embed_batch(clips, RATE)
    assert joined.shape == (3, several.dimension) == (3, 24)
    own = [one.embed_batch(clips, RATE) for one in several.encoders]
    mean = np.mean([vectors @ vectors.T for vectors in own], axis=0)
    np.testing.assert_allclose(joined @ joined.T, mean, atol=1e-6)
    np.testing.assert_allclose(several.embed(clips[1], RATE), joined[1], atol=1e-6)
    spans = several.embed(clips[0], RATE, [(0.0, 1.0), (0.5, 2.0)])
    np.testing.assert_allclose(np.linalg.norm(spans, axis=1), 1.0, atol=1e-6)


def test_frames_are_those_of_the_first_with_the_nearest_of_the_others(several):
    audio = noise(2.0)
    frames = several.embed_frames(audio, RATE)
    own = [one.embed_frames(audio, RATE).data for one in several.encoders]  # on one grid here
    np.testing.assert_allclose(frames.data, np.concatenate(own, axis=1) / np.sqrt(3), atol=1e-6)
    assert (frames.hop, several.frame_hop) == (several.encoders[0].frame_hop,) * 2


def test_the_space_depends_on_all_and_their_order(several):
    first, second, third = several.encoders
    same = ConcatenatedEncoder([first, second, third])
    other = ConcatenatedEncoder([second, first, third])
    assert same.fingerprint == several.fingerprint != other.fingerprint
    assert several.to("cpu") is several and several.name == "tiny + tiny + tiny"
    with pytest.raises(ArgumentError, match="must be two or more, got 1"):
        ConcatenatedEncoder([first])
