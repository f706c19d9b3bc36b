import numpy as np
import pytest

import diarspk
from diarspk.audio import open_audio

pytest.importorskip("onnxruntime")
pytest.importorskip("silero_vad")

from diarspk.segmentation import SileroSegmenter
from tests.diarspk.diarization.test_diarizer import sample  # noqa: F401


def test_it_can_replace_the_embedded_head(sample):  # noqa: F811
    audio, reference = sample
    result = diarspk.Diarizer(segmentation=SileroSegmenter())(audio, 16000)
    reference = reference.copy()
    reference.uri = result.uri
    assert diarspk.score(reference, result.annotation).pooled.miss < 6.0
    assert not result.annotation.get_overlap()


def test_volume_does_not_matter(sample):  # noqa: F811
    segmenter, encoder = SileroSegmenter(), diarspk.load_encoder()
    found = []
    for gain in (1.0, 0.01):
        stream = open_audio(sample[0] * np.float32(gain), 16000)
        segmenter.prepare(stream, encoder, frames=700)
        found.append(segmenter._speech)
    np.testing.assert_allclose(*found, atol=0.02)


def test_silence_is_no_speech():
    segmenter = SileroSegmenter()
    segmenter.prepare(open_audio(np.zeros(32000, np.float32), 16000), diarspk.load_encoder(), 50)
    assert (segmenter._speech < 0.5).all()
