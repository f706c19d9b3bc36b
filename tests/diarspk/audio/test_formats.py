"""Every row of the table of formats in docs/reference/audio-formats.md: written, then read."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from diarspk.audio import SAMPLE_RATE, load_audio, open_audio
from tests.diarspk.audio.media import click, place_of_click, write_sound
from tests.paths import ROOT

AT_S = 1.0
DURATION_S = 3.0

# Suffix, encoder of FFmpeg, sample rate, delay that the format cannot tell, film around it.
WRITTEN_BY_FFMPEG = [
    ("m4a", "aac", 16000, 0.0, False),
    ("m4a", "alac", 16000, 0.0, False),
    ("mp4", "aac", 48000, 0.0, True),
    ("mov", "pcm_s16le", 16000, 0.0, True),
    ("3gp", "libopencore_amrnb", 8000, 0.0, False),
    ("amr", "libopencore_amrnb", 8000, 0.006, False),
    ("aac", "aac", 16000, 0.064, False),
    ("mp3", "libmp3lame", 16000, 0.0, False),
    ("mp2", "mp2", 16000, 0.031, False),
    ("ac3", "ac3", 48000, 0.006, False),
    ("wma", "wmav2", 44100, 0.047, False),
    ("wmv", "wmav2", 44100, 0.047, True),
    ("webm", "libopus", 48000, 0.0, False),
    ("mkv", "aac", 16000, 0.0, True),
    ("mka", "flac", 16000, 0.0, False),
    ("ts", "aac", 16000, 0.065, True),
    ("mpg", "mp2", 48000, 0.011, True),
    ("avi", "libmp3lame", 44100, 0.026, True),
    ("flv", "aac", 44100, 0.024, False),
    ("oga", "flac", 16000, 0.0, False),
    ("flac", "flac", 16000, 0.0, False),
    ("wv", "wavpack", 16000, 0.0, False),
    ("tta", "tta", 16000, 0.0, False),
]

WRITTEN_BY_LIBSNDFILE = [
    ("wav", "WAV", "PCM_16"),
    ("wav", "WAV", "IMA_ADPCM"),
    ("wav", "WAV", "MS_ADPCM"),
    ("wav", "WAV", "GSM610"),
    ("wav", "WAV", "ULAW"),
    ("rf64", "RF64", "PCM_24"),
    ("w64", "W64", "PCM_16"),
    ("aiff", "AIFF", "PCM_16"),
    ("au", "AU", "ALAW"),
    ("caf", "CAF", "ALAC_16"),
    ("sph", "NIST", "PCM_16"),
    ("voc", "VOC", "PCM_16"),
    ("ogg", "OGG", "VORBIS"),
    ("opus", "OGG", "OPUS"),
]


@pytest.mark.parametrize(("suffix", "codec", "rate", "delay", "film"), WRITTEN_BY_FFMPEG)
def test_formats_that_ffmpeg_writes(
    tmp_path: Path, suffix: str, codec: str, rate: int, delay: float, film: bool
) -> None:
    path = tmp_path / f"talk.{suffix}"
    write_sound(path, codec, rate, click(DURATION_S, AT_S, rate), film_s=film * DURATION_S)
    stream = open_audio(path)
    samples = load_audio(stream)
    threshold = 0.1 if "amr" in codec else 0.4
    found = int(np.argmax(np.abs(samples[8000:]) > threshold)) + 8000  # a codec's start rings
    assert found / SAMPLE_RATE == pytest.approx(AT_S + delay, abs=0.003)
    assert len(samples) / SAMPLE_RATE == pytest.approx(DURATION_S + delay, abs=0.08)
    assert stream.measure_duration() == pytest.approx(len(samples) / SAMPLE_RATE, abs=0.1)
    if stream.duration is not None:
        assert len(samples) == pytest.approx(stream.duration * SAMPLE_RATE, abs=1)
    blocks = np.concatenate(list(stream.blocks(0.3)))
    np.testing.assert_array_equal(blocks, samples)


@pytest.mark.parametrize(("suffix", "container", "coding"), WRITTEN_BY_LIBSNDFILE)
def test_formats_that_libsndfile_writes(
    tmp_path: Path, suffix: str, container: str, coding: str
) -> None:
    path = tmp_path / f"talk.{suffix}"
    rate = 8000 if coding == "GSM610" else SAMPLE_RATE
    soundfile.write(path, click(DURATION_S, AT_S, rate), rate, coding, format=container)
    stream = open_audio(path)
    assert stream.duration == pytest.approx(DURATION_S, abs=0.07)
    samples = load_audio(path)
    assert place_of_click(samples, SAMPLE_RATE) == pytest.approx(AT_S, abs=0.003)
    assert len(samples) / SAMPLE_RATE == pytest.approx(stream.duration)


def test_wide_band_amr_which_has_no_encoder_here(tmp_path: Path) -> None:
    # 50 frames of 20 ms without data (type 15), as discontinuous transmission sends them; see
    # RFC 4867, section 5.3.
    path = tmp_path / "call.awb"
    path.write_bytes(b"#!AMR-WB\n" + b"\x7c" * 50)
    samples = load_audio(path)
    assert len(samples) == SAMPLE_RATE
    assert np.abs(samples).max() < 0.01


def test_the_table_in_the_docs_has_a_row_for_each() -> None:
    page = (ROOT / "docs/reference/audio-formats.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`\.(\w+)`", page))
    written = {row[0] for row in WRITTEN_BY_FFMPEG} | {row[0] for row in WRITTEN_BY_LIBSNDFILE}
    assert written <= told
