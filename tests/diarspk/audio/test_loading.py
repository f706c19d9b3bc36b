"""Loading: files, file objects, arrays, rates, channels, blocks."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.audio import SAMPLE_RATE, load_audio, open_audio
from diarspk.errors import ArgumentError

FORMATS = [
    ("wav", "PCM_16", 2e-4),
    ("wav", "PCM_U8", 2e-2),
    ("wav", "PCM_24", 1e-5),
    ("wav", "FLOAT", 1e-6),
    ("flac", "PCM_16", 2e-4),
    ("ogg", "VORBIS", 0.03),
    ("ogg", "OPUS", 0.03),
    ("mp3", "MPEG_LAYER_III", 0.03),
]


def tone(seconds: float = 1.0, rate: int = SAMPLE_RATE, frequency: float = 440.0) -> Any:
    time = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def encoded(samples: Any, rate: int = SAMPLE_RATE, suffix: str = "wav", **options: Any) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=suffix.upper(), **options)
    return file.getvalue()


@pytest.mark.parametrize(("suffix", "subtype", "tolerance"), FORMATS)
def test_formats_that_libsndfile_writes(
    tmp_path: Path, suffix: str, subtype: str, tolerance: float
) -> None:
    path = tmp_path / f"a meeting.{suffix}"
    path.write_bytes(encoded(tone(), suffix=suffix, subtype=subtype))
    stream = open_audio(path)
    assert stream.name == "a meeting"
    assert stream.duration == pytest.approx(1.0)
    inner = slice(1600, -1600)
    np.testing.assert_allclose(load_audio(path)[inner], tone()[inner], atol=tolerance)
    np.testing.assert_array_equal(load_audio(str(path)), load_audio(io.BytesIO(path.read_bytes())))


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac", "wav"])
def test_reading_in_chunks_is_reading_at_once(tmp_path: Path, suffix: str) -> None:
    # A pure tone fills MP3's bit reservoir, which a seek between two reads would lose.
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, tone(5.0), SAMPLE_RATE)
    whole, _ = soundfile.read(path, dtype="float32")
    # Two decoders of MP3 differ in the last bits.
    np.testing.assert_allclose(load_audio(path), whole, atol=3e-6)


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 22050, 44100, 48000, 96000, 192000, 384000])
def test_every_rate_becomes_16_khz(rate: int) -> None:
    samples = load_audio(io.BytesIO(encoded(tone(rate=rate), rate, subtype="FLOAT")))
    assert samples.shape == (SAMPLE_RATE,)
    assert samples.dtype == np.float32
    inner = slice(1600, -1600)
    np.testing.assert_allclose(samples[inner], tone()[inner], atol=2e-3)
    np.testing.assert_array_equal(samples, load_audio(tone(rate=rate), rate))


@given(
    rate=st.sampled_from([8000, 11025, 16000, 44100, 96000]),
    count=st.integers(1, 60_000),
    seconds=st.floats(1 / SAMPLE_RATE, 3.0),
)
@settings(max_examples=40, deadline=None)
def test_blocks_join_to_the_whole(rate: int, count: int, seconds: float) -> None:
    seconds = max(seconds, count / rate / 200)
    samples = np.random.default_rng(count).uniform(-1, 1, count).astype(np.float32)
    whole = soxr.resample(samples, rate, SAMPLE_RATE) if rate != SAMPLE_RATE else samples
    if not len(whole):
        return
    stream = open_audio(samples, rate)
    blocks = list(stream.blocks(seconds))
    np.testing.assert_allclose(np.concatenate(blocks), whole, atol=1e-6)
    assert {len(block) for block in blocks[:-1]} <= {round(seconds * SAMPLE_RATE)}
    assert 0 < len(blocks[-1]) <= round(seconds * SAMPLE_RATE)
    np.testing.assert_array_equal(load_audio(samples, rate), np.concatenate(blocks))


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
def test_blocks_can_be_read_again_from_the_start(suffix: str) -> None:
    file = io.BytesIO(encoded(tone(2.0), suffix=suffix))
    stream = open_audio(file)
    next(stream.blocks(0.3))
    first, second = (np.concatenate(list(stream.blocks(seconds))) for seconds in (0.7, 30.0))
    np.testing.assert_array_equal(first, second)
    assert not file.closed


def test_a_file_object_that_cannot_seek() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    np.testing.assert_allclose(load_audio(Pipe(encoded(tone()))), tone(), atol=2e-4)


@pytest.mark.parametrize("kind", ["array", "tensor", "file"])
def test_channels(kind: str) -> None:
    channels = np.stack([tone(frequency=100.0 * (index + 1)) for index in range(6)])
    audio: Any = {
        "array": channels,
        "tensor": torch.from_numpy(channels),
        "file": io.BytesIO(encoded(channels.T, subtype="FLOAT")),
    }[kind]
    rate = None if kind == "file" else SAMPLE_RATE
    np.testing.assert_allclose(load_audio(audio, rate), channels.mean(axis=0), atol=1e-6)
    for index in range(6):
        samples = load_audio(audio, rate, channel=index)
        np.testing.assert_allclose(samples, channels[index], atol=1e-6)
    for index in (-1, 6):
        with pytest.raises(ArgumentError, match=f"`channel` must be from 0 to 5 .*got {index}"):
            open_audio(audio, rate, channel=index)


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("int16", [-32768, 0, 16384]),
        ("int32", [-(2**31), 0, 2**30]),
        ("uint8", [0, 128, 192]),
        ("float16", [-1, 0, 0.5]),
        ("float32", [-1, 0, 0.5]),
        ("float64", [-1, 0, 0.5]),
    ],
)
def test_types_of_samples(dtype: str, values: list[float]) -> None:
    samples = np.array(values, dtype)
    np.testing.assert_array_equal(load_audio(samples, SAMPLE_RATE), [-1, 0, 0.5])
    tensor = torch.from_numpy(samples)
    np.testing.assert_array_equal(load_audio(tensor, SAMPLE_RATE), [-1, 0, 0.5])


def test_tensors_with_gradient_and_of_bfloat16() -> None:
    tensor = torch.tensor([[-1.0, 0.0, 0.5]], requires_grad=True)
    np.testing.assert_array_equal(load_audio(tensor, SAMPLE_RATE), [-1, 0, 0.5])
    np.testing.assert_array_equal(load_audio(tensor.bfloat16(), SAMPLE_RATE), [-1, 0, 0.5])


def test_floats_are_not_rescaled() -> None:
    np.testing.assert_array_equal(
        load_audio(np.array([3.0, -0.01]), SAMPLE_RATE), [3.0, np.float32(-0.01)]
    )


@pytest.mark.parametrize("seconds", [0.1, 0.0001])
def test_silent_and_very_short(seconds: float) -> None:
    silence = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    np.testing.assert_array_equal(load_audio(io.BytesIO(encoded(silence))), silence)
    np.testing.assert_array_equal(load_audio(silence, SAMPLE_RATE), silence)


def test_the_callers_array_stays_as_it_is() -> None:
    samples = tone()
    load_audio(samples, SAMPLE_RATE)[:] = 0
    np.testing.assert_array_equal(samples, tone())


def test_memory_does_not_grow_with_the_duration(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        for _ in range(10):
            file.write(tone(60.0, 8000))
    tracemalloc.start()
    count = sum(len(block) for block in open_audio(path).blocks(5.0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 600 * SAMPLE_RATE
    assert peak < 4e6  # the whole would be 38 MB
