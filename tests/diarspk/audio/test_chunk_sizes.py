"""Headers that tell a wrong number of bytes: all samples are read."""

import io
import struct
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.audio import SAMPLE_RATE, load_audio, open_audio
from diarspk.errors import AudioWarning
from tests.diarspk.audio.media import click, write_sound

SAMPLES = np.arange(-24000, 24000).astype(np.int16)


def encoded(container: str = "WAV", coding: str = "PCM_16", endian: str = "FILE") -> bytearray:
    file = io.BytesIO()
    soundfile.write(file, SAMPLES, SAMPLE_RATE, coding, endian, format=container)
    return bytearray(file.getvalue())


def read(data: bytes) -> tuple[Any, list[str]]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        samples = load_audio(io.BytesIO(data))
    return np.round(samples * 2**15).astype(int), [str(one.message) for one in found]


# Size of the samples in a WAV header, and whether it is a number that nobody can mean.
@pytest.mark.parametrize(
    ("size", "warned"),
    [
        (0, True),  # the recorder was killed
        (32000, True),  # it had updated the header after a second
        (96000 - 2**16, True),
        (2**32 - 1, False),  # written to a pipe
        (0x7FFFFFFF, False),
        (0x7FFFF000, False),
    ],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_wrong_sizes_in_wav(size: int, warned: bool, order: str) -> None:
    data = encoded(endian="BIG" if order == ">" else "LITTLE")
    place = data.index(b"data")
    struct.pack_into(f"{order}I", data, 4, min(size + 36, 2**32 - 1))
    struct.pack_into(f"{order}I", data, place + 4, size)
    samples, told = read(data)
    np.testing.assert_array_equal(samples, SAMPLES)
    assert [f"header tells of {size} bytes of samples, it has 96000" in line for line in told] == (
        [True] if warned else []
    )


@given(
    bounds=st.lists(st.integers(0, len(SAMPLES)), min_size=1, max_size=4).map(sorted),
    between=st.booleans(),
    order=st.sampled_from(["<", ">"]),
)
@settings(max_examples=30, deadline=None)
def test_samples_in_several_chunks(bounds: list[int], between: bool, order: str) -> None:
    data = encoded(endian="BIG" if order == ">" else "LITTLE")
    place = data.index(b"data")
    raw, chunks = bytes(data[place + 8 :]), b""
    edges = [0, *bounds, len(SAMPLES)]
    for first, last in pairwise(edges):
        part = raw[2 * first : 2 * last]
        chunks += b"data" + struct.pack(f"{order}I", len(part)) + part
        chunks += (b"LIST" + struct.pack(f"{order}I", 4) + b"INFO") * between
    whole = data[:4] + struct.pack(f"{order}I", place + len(chunks) - 8) + data[8:place] + chunks
    samples, told = read(bytes(whole))
    np.testing.assert_array_equal(samples, SAMPLES)
    assert [f"in {len(edges) - 1} chunks" in line for line in told] == [True]


@pytest.mark.parametrize("coding", ["PCM_24", "FLOAT", "ULAW", "IMA_ADPCM"])
def test_a_killed_recorder_of_other_encodings(coding: str) -> None:
    data = encoded(coding=coding)
    whole = load_audio(io.BytesIO(data))
    struct.pack_into("<I", data, data.index(b"data") + 4, 0)
    with pytest.warns(AudioWarning, match="all are read"):
        np.testing.assert_array_equal(load_audio(io.BytesIO(data)), whole)


def test_a_killed_recorder_of_rf64() -> None:
    data = encoded("RF64")
    struct.pack_into("<QQQ", data, data.index(b"ds64") + 8, 0, 0, 0)
    samples, told = read(data)
    np.testing.assert_array_equal(samples, SAMPLES)
    assert len(told) == 1


@pytest.mark.parametrize("size", [8, 1000])
def test_a_killed_recorder_of_aiff(size: int) -> None:
    data = encoded("AIFF")
    struct.pack_into(">I", data, data.index(b"SSND") + 4, size)
    samples, told = read(data)
    np.testing.assert_array_equal(samples, SAMPLES)
    assert len(told) == 1


def test_a_killed_recorder_of_au() -> None:
    data = encoded("AU")
    struct.pack_into(">I", data, 8, 1000)
    samples, told = read(data)
    np.testing.assert_array_equal(samples, SAMPLES)
    assert len(told) == 1


@pytest.mark.parametrize("size", [0, 4, 1000, 50000])
def test_a_killed_recorder_of_caf(size: int) -> None:
    data = encoded("CAF")
    struct.pack_into(">Q", data, data.index(b"data") + 4, size)
    samples, told = read(data)
    np.testing.assert_array_equal(samples, SAMPLES)
    assert len(told) == 1
    struct.pack_into(">q", data, data.index(b"data") + 4, -1)  # up to the end
    samples, told = read(data)
    np.testing.assert_array_equal(samples, SAMPLES)
    assert not told


def test_a_killed_recorder_whose_coding_ffmpeg_reads(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", "g722", 16000, click(3.0, 1.0, 16000))
    whole = load_audio(path)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"data") + 4, len(data) // 3)
    with pytest.warns(AudioWarning, match="all are read"):
        np.testing.assert_array_equal(load_audio(io.BytesIO(data)), whole)


def test_a_tag_before_the_form() -> None:
    tag = b"ID3\x03\0\0\0\0\0\x0a" + bytes(10)
    for data in (encoded(), encoded("AIFF"), encoded() * 2):
        samples, told = read(tag + data)
        assert len(samples) % len(SAMPLES) == 0
        np.testing.assert_array_equal(samples, read(data)[0])
        assert not told


def test_chunks_after_the_samples_are_no_samples() -> None:
    data = encoded() + b"LIST" + struct.pack("<I", 5000) + bytes(5000)
    samples, told = read(data)
    np.testing.assert_array_equal(samples, SAMPLES)
    assert not told
    assert len(read(encoded() + b"\0" * 200)[0]) == len(SAMPLES)  # padding


@pytest.mark.parametrize("container", ["WAV", "AIFF"])
def test_joined_files_are_read_wholly(container: str) -> None:
    samples, told = read(encoded(container) * 3)
    np.testing.assert_array_equal(samples, np.tile(SAMPLES, 3))
    assert not told


@pytest.mark.parametrize("name", ["wrapped", "streamed"])
def test_more_than_4_gib(tmp_path: Path, name: str) -> None:
    """A sparse file of 5 GiB, 24 bits, mono at 384 kHz."""
    count = 5 * 2**30 // 3 * 3
    size, whole = (count % 2**32, (count + 36) % 2**32) if name == "wrapped" else (2**32 - 1,) * 2
    path = tmp_path / "long.wav"
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", whole, b"WAVE", b"fmt ", 16, 1, 1, *RATE_24)
    with path.open("wb") as file:
        file.write(head + struct.pack("<4sI", b"data", size))
        file.truncate(count + 44)
        file.seek(44 + count - 3)
        file.write(b"\xff\xff\x7f")
    stream = open_audio(path)
    assert stream.duration == pytest.approx(count / 3 / 384000)
    path.unlink()


RATE_24 = (384000, 384000 * 3, 3, 24)


@pytest.mark.parametrize("change", ["byte rate", "form"])
def test_other_wrong_fields_are_no_truncation(change: str) -> None:
    data = encoded()
    place = {"byte rate": 28, "form": 4}[change]
    value = struct.unpack_from("<I", data, place)[0]
    struct.pack_into("<I", data, place, value * 2)
    samples, told = read(data)
    np.testing.assert_array_equal(samples, SAMPLES)
    assert not told or change == "form"


@given(
    place=st.integers(0, 60),
    value=st.binary(min_size=1, max_size=8),
    container=st.sampled_from(["WAV", "RF64", "AIFF", "AU", "W64", "CAF"]),
)
@settings(max_examples=150, deadline=None)
def test_any_header_gives_samples_or_one_error(place: int, value: bytes, container: str) -> None:
    from diarspk.errors import DiarspkError

    data = encoded(container)
    data[place : place + len(value)] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AudioWarning)
        try:
            samples = load_audio(io.BytesIO(data))
        except DiarspkError as error:
            assert "\n" not in str(error)
        else:
            assert len(samples)
