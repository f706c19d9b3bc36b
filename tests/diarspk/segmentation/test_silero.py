import numpy as np
import pytest
import torch

import diarspk
from diarspk.audio import open_audio
from diarspk.errors import ArgumentError
from diarspk.segmentation.windows import WindowGrid

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


def speech_of(audio, frames):
    """Probability of speech in every frame of a recording."""
    encoder = diarspk.load_encoder()
    windows = WindowGrid(np.array([0]), frames, frames, encoder.frame_hop, encoder.frame_start)
    segmentation = SileroSegmenter().segment(open_audio(audio, 16000), windows, encoder)
    return segmentation(torch.zeros(1, frames, 1), windows.starts)[0]


def test_volume_does_not_matter(sample):  # noqa: F811
    found = [speech_of(sample[0] * np.float32(gain), 700) for gain in (1.0, 0.01)]
    np.testing.assert_allclose(*found, atol=0.02)


def test_silence_is_no_speech():
    assert (speech_of(np.zeros(32000, np.float32), 50) < 0.5).all()


def test_it_reads_audio():
    windows = WindowGrid(np.array([0]), 50, 50, 0.04, 0.0)
    with pytest.raises(ArgumentError, match="`stream` must be the recording"):
        SileroSegmenter().segment(None, windows, diarspk.load_encoder())
