"""Samples without a header."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from diarspk.audio import RawFormat, load_audio, open_audio
from diarspk.audio.raw import ENCODINGS
from diarspk.errors import ArgumentError, AudioWarning

VALUES = np.array([-1.0, 0.0, 0.5, 0.25])
TYPES = {
    "s8": ("i1", 2**7),
    "s16le": ("<i2", 2**15),
    "s16be": (">i2", 2**15),
    "s32le": ("<i4", 2**31),
    "s32be": (">i4", 2**31),
    "f32le": ("<f4", 1),
    "f32be": (">f4", 1),
    "f64le": ("<f8", 1),
    "f64be": (">f8", 1),
}


@pytest.mark.parametrize("encoding", TYPES)
def test_encodings(tmp_path: Path, encoding: str) -> None:
    kind, scale = TYPES[encoding]
    path = tmp_path / "talk.bin"
    path.write_bytes((VALUES * scale).astype(kind).tobytes())
    raw = RawFormat(encoding, 16000)
    np.testing.assert_array_equal(load_audio(path, raw=raw), VALUES)
    assert open_audio(path, raw=raw).duration == 4 / 16000


def test_encodings_of_8_and_24_bits_and_of_telephones(tmp_path: Path) -> None:
    path = tmp_path / "talk"
    bytes_of = {
        "u8": bytes([0, 128, 192]),
        "s24le": b"\0\0\x80" + b"\0\0\0" + b"\0\0\x40",
        "s24be": b"\x80\0\0" + b"\0\0\0" + b"\x40\0\0",
    }
    for encoding, data in bytes_of.items():
        path.write_bytes(data)
        np.testing.assert_array_equal(
            load_audio(path, raw=RawFormat(encoding, 16000)), [-1, 0, 0.5]
        )
    # G.711: 0xFF and 0xD5 stand for the smallest level of mu-law and A-law.
    for encoding, byte in (("mulaw", b"\xff"), ("alaw", b"\xd5")):
        path.write_bytes(byte * 160)
        samples = load_audio(path, raw=RawFormat(encoding, 16000))
        assert np.abs(samples).max() < 0.001
    assert set(bytes_of) | set(TYPES) | {"mulaw", "alaw"} == set(ENCODINGS)


def test_channels_are_interleaved(tmp_path: Path) -> None:
    path = tmp_path / "talk"
    path.write_bytes(np.array([[1, 2], [3, 4]], "<f4").tobytes())
    raw = RawFormat("f32le", 16000, 2)
    np.testing.assert_array_equal(load_audio(path, raw=raw, channel=1), [2, 4])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("s16le:8000", ("s16le", 8000, 1)), ("f32be:48000:2", ("f32be", 48000, 2))],
)
def test_the_text_of_a_format(text: str, expected: tuple[str, int, int]) -> None:
    raw = RawFormat.parse(text)
    assert (raw.encoding, raw.sample_rate, raw.channels) == expected
    assert RawFormat.parse(str(raw)) == raw


@pytest.mark.parametrize(
    "text", ["", "s16le", "s16le:", "s16le:x", "s16le:8000:1:1", "mp3:8000", "s16le:8", "s8:8000:0"]
)
def test_texts_that_are_no_format(text: str) -> None:
    with pytest.raises(ArgumentError, match="must be"):
        RawFormat.parse(text)


def test_a_raw_format_is_for_files(tmp_path: Path) -> None:
    audio: Any = np.zeros(9, np.float32)
    with pytest.raises(ArgumentError, match="`track` and `raw` must be left out"):
        open_audio(audio, 16000, raw=RawFormat("u8", 8000))


def test_a_header_that_is_read_as_samples_is_told(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    soundfile.write(path, VALUES, 8000)
    with pytest.warns(AudioWarning, match=r"talk\.wav: begins as a file does \(RIFF"):
        open_audio(path, raw=RawFormat("s16le", 16000))
