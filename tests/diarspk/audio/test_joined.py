"""Files joined end to end: every part is read, and an exact length is known beforehand."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from diarspk.audio import SAMPLE_RATE, load_audio, open_audio
from diarspk.audio.byte_views import ByteView
from diarspk.audio.files import AudioFile
from diarspk.audio.joined import JoinedSource, ogg_starts
from diarspk.audio.mp3 import mp3_starts, told_seconds
from diarspk.errors import AudioWarning
from tests.diarspk.audio.media import click, place_of_click, write_sound
from tests.paths import SHARED

KINDS = [
    ("mp3", "MP3", "MPEG_LAYER_III"),
    ("ogg", "OGG", "VORBIS"),
    ("opus", "OGG", "OPUS"),
    ("flac", "FLAC", "PCM_16"),
]
FAULTS = SHARED / "faults" / "08-mp3-joined"


def encoded(sound: Any, rate: int, container: str, coding: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound, rate, coding, format=container)
    return file.getvalue()


@pytest.mark.parametrize(("suffix", "container", "coding"), KINDS)
def test_all_parts_are_read(tmp_path: Path, suffix: str, container: str, coding: str) -> None:
    places = (0.5, 0.9, 0.2)
    path = tmp_path / f"joined.{suffix}"
    path.write_bytes(
        b"".join(encoded(click(1.5, at, 16000), 16000, container, coding) for at in places)
    )
    stream = open_audio(path)
    samples = load_audio(stream)
    assert len(samples) == 4.5 * SAMPLE_RATE
    for index, at in enumerate(places):
        part = samples[round(index * 1.5 * SAMPLE_RATE) :]
        assert place_of_click(part, SAMPLE_RATE) == pytest.approx(at, abs=0.003)
    assert stream.measure_duration() == pytest.approx(4.5, abs=0.4)
    if suffix != "flac":
        assert stream.duration == 4.5


@pytest.mark.parametrize(("suffix", "container", "coding"), KINDS)
def test_parts_of_another_rate_and_channels(
    tmp_path: Path, suffix: str, container: str, coding: str
) -> None:
    stereo = np.stack([click(2.0, 1.0, 48000)] * 2, axis=1)
    data = encoded(click(1.0, 0.5, 16000), 16000, container, coding)
    data += encoded(stereo, 48000, container, coding)
    path = tmp_path / f"joined.{suffix}"
    path.write_bytes(data)
    samples = load_audio(path)
    assert len(samples) == pytest.approx(3 * SAMPLE_RATE, abs=3)
    assert place_of_click(samples[SAMPLE_RATE:], SAMPLE_RATE) == pytest.approx(1.0, abs=0.003)


def test_mp3_of_tags_in_the_middle(tmp_path: Path) -> None:
    # FFmpeg writes an ID3 tag first, which stands in the middle once files are joined.
    data = b""
    for at in (0.5, 1.0):
        path = write_sound(tmp_path / "a.mp3", "libmp3lame", 16000, click(1.5, at, 16000))
        data += path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_audio(io.BytesIO(data))) == 3 * SAMPLE_RATE


FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}


@pytest.mark.parametrize(
    ("suffix", "codec", "rate", "options"),
    [
        ("m4a", "aac", 16000, {}),
        ("mp4", "aac", 16000, FRAGMENTED),
        ("3gp", "libopencore_amrnb", 8000, {}),
        ("amr", "libopencore_amrnb", 8000, {}),
        ("caf", "pcm_s16le", 16000, {}),
    ],
)
def test_all_parts_of_other_formats(
    tmp_path: Path, suffix: str, codec: str, rate: int, options: dict[str, str]
) -> None:
    path = tmp_path / f"a.{suffix}"
    data = b"".join(
        write_sound(path, codec, rate, click(1.5, at, rate), options=options).read_bytes()
        for at in (0.5, 1.0)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = len(load_audio(path))
        stream = open_audio(io.BytesIO(data))
        samples = load_audio(stream)
    assert len(samples) == 2 * one
    assert stream.measure_duration() == pytest.approx(len(samples) / SAMPLE_RATE, abs=0.03)
    loud = np.abs(samples) > 0.6 * np.abs(samples).max()
    delay = one / SAMPLE_RATE - 1.5  # of the encoder, where the file does not tell it
    assert int(np.argmax(loud[one:])) / SAMPLE_RATE == pytest.approx(1.0 + delay, abs=0.05)


@pytest.mark.parametrize(("suffix", "codec"), [("tta", "tta"), ("flv", "aac"), ("wv", "wavpack")])
def test_a_part_that_is_not_read_is_told(tmp_path: Path, suffix: str, codec: str) -> None:
    rate = 44100
    path = write_sound(tmp_path / f"a.{suffix}", codec, rate, click(1.5, 0.5, rate))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = load_audio(path)
    path.write_bytes(path.read_bytes() * 2)
    with pytest.warns(AudioWarning) as told:
        assert len(load_audio(path)) == pytest.approx(len(one), abs=2000)
    assert any("another file is joined to it, which is not read" in str(one) for one in told)


@pytest.mark.parametrize("before", [b"TAG" + bytes(125), b""])
@pytest.mark.parametrize("size", [300, 300_000])
def test_mp3_of_tags_of_both_kinds_between(before: bytes, size: int) -> None:
    bare = encoded(click(1.5, 0.5, 16000), 16000, "MP3", "MPEG_LAYER_III")
    content = (b"APIC" + bytes(range(256)) * (size // 256 + 1))[:size]  # 0xFF as in pictures
    tag = b"ID3\x03\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + content
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        samples = load_audio(io.BytesIO(tag + bare + before + tag + bare + before))
    assert len(samples) / SAMPLE_RATE == pytest.approx(3.0, abs=0.06)


@pytest.mark.parametrize("rest", [bytes(5000), b"LYRICSBEGIN" + b"la " * 1000 + b"LYRICS200"])
def test_what_follows_the_sound_of_mp3_is_no_damage(rest: bytes) -> None:
    bare = encoded(click(1.5, 0.5, 16000), 16000, "MP3", "MPEG_LAYER_III")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        samples = load_audio(io.BytesIO(bare + rest))
    assert len(samples) / SAMPLE_RATE == pytest.approx(1.5, abs=0.06)


def test_mp3_without_a_tag_needs_no_cut_and_promises_nothing(tmp_path: Path) -> None:
    path = write_sound(
        tmp_path / "a.mp3", "libmp3lame", 16000, click(1.5, 0.5, 16000), options={"write_xing": "0"}
    )
    data = path.read_bytes()
    view = ByteView(io.BytesIO(data * 2))
    assert mp3_starts(view) == [0]
    assert told_seconds(view) is None
    stream = open_audio(io.BytesIO(data * 2))
    assert stream.duration is None
    assert len(load_audio(stream)) / SAMPLE_RATE == pytest.approx(3.0, abs=0.3)


def test_the_length_that_a_tag_tells(tmp_path: Path) -> None:
    data = encoded(click(4.0, 0.5, 44100), 44100, "MP3", "MPEG_LAYER_III")
    view = ByteView(io.BytesIO(data))
    told = told_seconds(view)
    assert told is not None
    assert 4.0 < told < 4.1
    assert told_seconds(ByteView(io.BytesIO(data[: len(data) // 2]))) == told
    assert told_seconds(ByteView(io.BytesIO(data * 2))) is None


def test_starts_of_ogg_past_damage() -> None:
    part = encoded(click(3.0, 0.5, 16000), 16000, "OGG", "VORBIS")
    damaged = bytearray(part)
    damaged[3000:5000] = b"\0" * 2000
    assert ogg_starts(ByteView(io.BytesIO(part))) == [0]
    assert ogg_starts(ByteView(io.BytesIO(bytes(damaged) + part))) == [0, len(part)]
    assert ogg_starts(ByteView(io.BytesIO(b"OggS" + bytes(5)))) == [0]


def test_a_joined_source_has_the_length_of_its_parts() -> None:
    part = encoded(click(1.0, 0.5, 16000), 16000, "OGG", "VORBIS")
    source = open_audio(io.BytesIO(part * 2)).source
    assert isinstance(source, JoinedSource)
    assert isinstance(source.file, AudioFile)
    assert source.duration == source.expected_duration == source.measure() == 2.0


@pytest.mark.skipif(not FAULTS.is_dir(), reason="the data beside the checkout is missing")
@pytest.mark.parametrize("suffix", ["mp3", "ogg"])
def test_files_on_which_a_reader_stopped_early(suffix: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_audio(FAULTS / f"joined.{suffix}")) == 3 * SAMPLE_RATE
