"""What a pass over a recording is named after."""

import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from diarspk.audio import RawFormat, open_audio
from diarspk.checkpoints.digest import digest_weights
from diarspk.diarization.cache import FirstPassCache
from diarspk.diarization.cache_keys import digest_audio, first_pass_key
from diarspk.diarization.first_pass import FirstPassModels
from diarspk.encoders.loading import load_encoder
from diarspk.errors import ArgumentError, DiarspkWarning
from diarspk.segmentation import EmbeddedSegmenter, SegmentationHead, SegmentationHeadConfig
from tests.diarspk.diarization.test_result import make_first_pass


@pytest.fixture
def models():
    return FirstPassModels(load_encoder(), make_segmenter())


def make_segmenter(seed=0, **settings):
    torch.manual_seed(seed)
    head = SegmentationHead(SegmentationHeadConfig(width=8, channels=8, layers=1, heads=2))
    return EmbeddedSegmenter(head, **settings)


def test_a_file_and_its_bytes_have_one_digest(tmp_path):
    file = tmp_path / "a.wav"
    file.write_bytes(bytes(range(256)) * 9000)
    stream = io.BytesIO(file.read_bytes())
    stream.seek(5)
    digest = digest_audio(file)
    assert digest == digest_audio(str(file))
    assert digest_audio(stream) == digest
    assert stream.tell() == 5
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert digest_audio(file) != digest


def test_arrays_differ_by_samples_type_shape_and_rate():
    audio = np.arange(8, dtype=np.float32)
    digests = [
        digest_audio(audio, 16000),
        digest_audio(audio + 1, 16000),
        digest_audio(audio, 8000),
        digest_audio(audio.astype(np.float64), 16000),
        digest_audio(audio.reshape(2, 4), 16000),
    ]
    assert len(set(digests)) == len(digests)
    assert digest_audio(audio.copy(), 16000) == digests[0]
    assert digest_audio(torch.from_numpy(audio), 16000) == digests[0]


def test_a_stream_has_the_digest_of_its_file_and_of_what_is_read_of_it(tmp_path):
    file = tmp_path / "a.wav"
    soundfile.write(file, np.zeros(1600), 16000)
    assert digest_audio(open_audio(file)) == digest_audio(file)
    assert digest_audio(open_audio(io.BytesIO(file.read_bytes()))) == digest_audio(file)
    samples = tmp_path / "a.raw"
    samples.write_bytes(bytes(3200))
    raw = [open_audio(samples, raw=RawFormat(name, 16000)) for name in ("s16le", "u8")]
    assert len({digest_audio(samples), *map(digest_audio, raw)}) == 3
    audio = np.arange(8, dtype=np.float32)[None]
    assert digest_audio(open_audio(audio, 16000)) == digest_audio(audio, 16000)


def test_what_cannot_be_read_twice_has_none():
    class Pipe(io.RawIOBase):
        def readable(self):
            return True

        def seekable(self):
            return False

    assert digest_audio(Pipe()) is None


def test_keys_follow_everything_that_the_pass_depends_on():
    keys = [
        first_pass_key("audio", "print", make_segmenter()),
        first_pass_key("other", "print", make_segmenter()),
        first_pass_key("audio", "other", make_segmenter()),
        first_pass_key("audio", "print", make_segmenter(seed=1)),
        first_pass_key("audio", "print", make_segmenter(step_s=1.0)),
        first_pass_key("audio", "print", make_segmenter().halved()),
        first_pass_key("audio", "print", make_segmenter(), 1),
    ]
    assert len(set(keys)) == len(keys)
    assert first_pass_key("audio", "print", make_segmenter()) == keys[0]
    assert all(len(key) == 32 for key in keys)


@pytest.mark.parametrize("voiced", [True, False])
def test_a_first_comes_back_as_it_was(tmp_path, voiced):
    first = make_first_pass([[0, 1], [1, -1]])
    if voiced:
        vectors = np.random.default_rng(0).normal(size=(4, 16)).astype(np.float32)
        first = replace(first, local=replace(first.local, frame_embeddings=vectors))
    cache = FirstPassCache(tmp_path)
    cache.write("key", first)
    found = cache.read("key", "meeting")
    assert found is not None and (found.local.frame_embeddings is not None) == voiced
    for name in (
        "activity",
        "first",
        "embeddings",
        "seconds",
        *(["frame_embeddings"] if voiced else []),
    ):
        np.testing.assert_array_equal(getattr(found.local, name), getattr(first.local, name))


def test_a_file_is_no_folder_for_a_cache(tmp_path):
    file = tmp_path / "notes.txt"
    file.touch()
    with pytest.raises(ArgumentError, match="must be a folder"):
        FirstPassCache(file)


def test_a_first_pass_that_cannot_be_written_is_not_lost(tmp_path, models):
    file = tmp_path / "notes.txt"
    file.touch()
    first = make_first_pass([[0, 1], [1, -1]])
    cached = FirstPassCache(file / "cache").wrap(
        lambda models: first, "meeting", np.zeros(9), 16000
    )
    with pytest.warns(DiarspkWarning, match="the first pass over meeting is not in the cache"):
        assert cached(models) is first


def test_weights_have_one_digest():
    torch.manual_seed(0)
    one = torch.nn.Linear(3, 2)
    other = torch.nn.Linear(3, 2)
    assert digest_weights(one) != digest_weights(other)
    other.load_state_dict(one.state_dict())
    assert digest_weights(one) == digest_weights(other)
