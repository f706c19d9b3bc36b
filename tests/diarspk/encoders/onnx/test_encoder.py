"""Encoders whose network is an ONNX graph."""

from __future__ import annotations

import numpy as np
import pytest

from diarspk.encoders.clips import WindowConfig
from diarspk.encoders.front_end import MelFrontEnd
from diarspk.encoders.onnx import with_engine
from diarspk.encoders.onnx.encoder import OnnxEncoder, SessionEncoder
from diarspk.encoders.pretrained.wespeaker_onnx import FeatureOnnxEncoder

FACTS = {
    "sample_rate": "16000",
    "dimension": "2",
    "fingerprint": "abc",
    "minimum_samples": "6",
    "repeats": "1",
}


class Session:
    """Answers with the mean and one; remembers what it was given."""

    def __init__(self):
        self.inputs = []

    def run(self, outputs, feed):
        (given,) = feed.values()
        self.inputs.append(given)
        return [np.array([[given.mean(), 1.0]], np.float32)]


def test_clips_run_one_after_the_other():
    session = Session()
    encoder = OnnxEncoder(session, FACTS, WindowConfig(hop=0.5))
    assert (encoder.sample_rate, encoder.dimension, encoder.fingerprint) == (16000, 2, "abc")
    assert encoder.frame_hop == 0.5
    vectors = encoder.embed_parts([np.arange(4, dtype=np.float32), np.full(9, 2, np.float32)])
    np.testing.assert_allclose(session.inputs[0], [[0, 1, 2, 3, 0, 1]])  # repeated
    assert session.inputs[1].shape == (1, 9)
    np.testing.assert_allclose(vectors, [[7 / 6, 1], [2, 1]], rtol=1e-6)
    padded = OnnxEncoder(session, {**FACTS, "repeats": "0"})
    padded.embed_parts([np.ones(4, np.float32)])
    np.testing.assert_allclose(session.inputs[2], [[1, 1, 1, 1, 0, 0]])


def test_wespeakers_take_features_and_give_unit_vectors():
    session = Session()
    encoder = FeatureOnnxEncoder(session, MelFrontEnd(), 2, "abc")
    vectors = encoder.embed_parts([np.ones(10, np.float32), np.ones(16000, np.float32)])
    assert [given.shape for given in session.inputs] == [(1, 16, 80), (1, 98, 80)]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    assert (encoder.sample_rate, encoder.dimension, encoder.fingerprint) == (16000, 2, "abc")


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_a_graph_stays_as_it_is(engine):
    encoder = FeatureOnnxEncoder(Session(), MelFrontEnd(), 2, "abc")
    assert isinstance(encoder, SessionEncoder)
    assert with_engine(encoder, engine) is encoder
