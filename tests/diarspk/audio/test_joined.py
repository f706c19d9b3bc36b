"""Files joined end to end: every part is read, and an exact length is known beforehand."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from diarspk.audio import SAMPLE_RATE, load_audio, open_audio
from diarspk.audio.files import AudioFile, ByteView
from diarspk.audio.joined import JoinedSource, ogg_starts
from diarspk.audio.mp3 import mp3_starts, told_seconds
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
