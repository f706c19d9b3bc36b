"""Threads share one diarizer."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from diarspk import Diarizer
from diarspk.segmentation import EmbeddedSegmenter, SileroSegmenter
from tests.diarspk.encoders.local.test_encoder import noise
from tests.diarspk.segmentation.test_pyannet import decided

FILES = 8


def buzz(seed: int, seconds: float) -> np.ndarray:
    """Two buzzing voices in turn, of another pitch in every file, with pauses and noise."""
    time = np.arange(round(seconds * 16000)) / 16000
    pitch = np.where(time % 6 < 3, 100.0 + 10 * seed, 190.0 + 15 * seed)
    voice = np.sign(np.sin(2 * np.pi * np.cumsum(pitch) / 16000)) * (np.sin(6 * time) > -0.5)
    return (0.2 * voice * (1 + np.sin(17 * time)) + 0.05 * noise(seconds, seed)).astype(np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    paths = [folder / f"{number}.wav" for number in range(FILES)]
    for number, path in enumerate(paths):
        soundfile.write(path, buzz(number, 8.0 + number), 16000)
    return paths


def embedded():
    return None


def pyannet():
    return decided(hidden=8)


def silero():
    pytest.importorskip("onnxruntime")
    pytest.importorskip("silero_vad")
    return SileroSegmenter()


@pytest.mark.parametrize("build", [embedded, pyannet, silero])
def test_eight_threads_give_what_one_gives(files, build):
    diarizer = Diarizer(segmentation=build())
    serial = [diarizer(file, num_speakers=2) for file in files]
    with ThreadPoolExecutor(FILES) as pool:
        parallel = list(pool.map(lambda file: diarizer(file, num_speakers=2), files))
    for one, other in zip(serial, parallel, strict=True):
        assert one.uri == other.uri
        assert one.annotation == other.annotation
        assert one.exclusive == other.exclusive
        assert one.confidence == other.confidence
        np.testing.assert_array_equal(
            one.first_pass.local.activity, other.first_pass.local.activity
        )
    assert all(one.annotation for one in serial)
    assert len({repr(one) for one in serial}) > 1  # the files do differ


def test_a_segmenter_is_the_same_after_a_recording(files):
    diarizer = Diarizer()
    assert isinstance(diarizer.segmentation, EmbeddedSegmenter)
    before = dict(vars(diarizer.segmentation))
    diarizer(files[0])
    assert vars(diarizer.segmentation) == before
