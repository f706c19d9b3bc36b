"""Two encoders side by side: cosines are weighted means, and a diarizer runs both in one pass."""

from __future__ import annotations

import numpy as np
import pytest

from diarspk import Diarizer, load_encoder
from diarspk.diarization.cache import FirstPassCache
from diarspk.encoders import FusedEncoder, WindowedEncoder
from diarspk.encoders.front_end import MelFrontEnd
from tests.diarspk.diarization.test_diarizer_encoders import TwoSpeakers, resnet
from tests.diarspk.encoders.local.test_encoder import noise

RATE = 16000


@pytest.fixture(scope="module")
def fused() -> FusedEncoder:
    return FusedEncoder(load_encoder(), WindowedEncoder(resnet(), MelFrontEnd()), 0.3)


def test_a_cosine_is_the_weighted_mean_of_both(fused: FusedEncoder) -> None:
    clips = [noise(2.0, seed) for seed in range(3)]
    both = fused.embed_batch(clips, RATE)
    own, other = (one.embed_batch(clips, RATE) for one in (fused.trunk, fused.other))
    assert both.shape == (3, fused.dimension)
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(both @ both.T, 0.3 * other @ other.T + 0.7 * own @ own.T, atol=1e-5)
    np.testing.assert_allclose(fused.embed(clips[0], RATE), both[0], atol=1e-4)


def test_spans_and_frames_are_those_of_both(fused: FusedEncoder) -> None:
    audio = noise(3.0)
    spans = fused.embed(audio, RATE, [(0.0, 1.5), (1.0, 3.0)])
    np.testing.assert_allclose(
        spans[:, : fused.other.dimension],
        np.sqrt(0.3) * fused.other.embed(audio, RATE, [(0.0, 1.5), (1.0, 3.0)]),
        atol=1e-6,
    )
    frames, own = fused.embed_frames(audio, RATE), fused.trunk.embed_frames(audio, RATE)
    assert (len(frames.data), frames.hop, frames.start) == (len(own.data), own.hop, own.start)
    np.testing.assert_allclose(np.linalg.norm(frames.data, axis=1), 1.0, atol=1e-4)


def test_the_space_depends_on_both_and_on_the_share(fused: FusedEncoder) -> None:
    again = FusedEncoder(fused.trunk, fused.other, 0.3)
    other = FusedEncoder(fused.trunk, fused.other, 0.5)
    prints = {one.fingerprint for one in (fused, again, other, fused.trunk, fused.other)}
    assert len(prints) == 4 and again.fingerprint == fused.fingerprint
    assert fused.to("cpu") is fused and fused.device.type == "cpu"


def test_a_diarizer_embeds_by_both_in_one_pass(fused: FusedEncoder, tmp_path) -> None:
    audio = noise(11.0)
    first = Diarizer(encoder=fused, segmentation=TwoSpeakers(), cache=tmp_path).first_pass(
        audio, RATE
    )
    other = Diarizer(encoder=fused.other, segmentation=TwoSpeakers()).first_pass(audio, RATE)
    own = Diarizer(segmentation=TwoSpeakers()).first_pass(audio, RATE)
    assert first.fingerprint == fused.fingerprint
    for name in ("embeddings", "subsegments"):
        one, beside, trunk = (getattr(each.local, name) for each in (first, other, own))
        if name == "subsegments":
            one, beside, trunk = one.embeddings, beside.embeddings, trunk.embeddings
        np.testing.assert_allclose(one, fused.join(beside, trunk), atol=1e-5)
    np.testing.assert_allclose(
        first.local.in_trunk_space().embeddings, own.local.embeddings, atol=1e-5
    )
    stored = Diarizer(encoder=fused, segmentation=TwoSpeakers(), cache=tmp_path)
    assert isinstance(stored.cache, FirstPassCache)
    again = stored.first_pass(audio, RATE)
    np.testing.assert_array_equal(again.local.embeddings, first.local.embeddings)
