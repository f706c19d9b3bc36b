"""Recordings as a browser plays them."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from diarspk.audio import load_audio, open_audio
from diarspk.errors import AudioError
from diarspk.review.peaks import compute_peaks
from diarspk.review.playback import encode_opus, find_playable
from diarspk.review.recording import PlayableRecording
from tests.tiny_model import tone


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "ann.wav", tone("ann"), 16000)
    return tmp_path / "ann.wav"


def test_what_a_browser_plays_is_served_as_it_is(voice: Path) -> None:
    assert find_playable(open_audio(voice)) == voice


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".aiff"])
def test_other_formats_are_converted_to_wav(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"ann{suffix}"
    soundfile.write(file, tone("ann"), 16000)
    recording = PlayableRecording(open_audio(file))
    recording.start()
    try:
        played = recording.file()
        samples, rate = soundfile.read(played, dtype="float32")
        assert (played.suffix, rate) == (".wav", 16000)
        assert np.allclose(samples, load_audio(file), atol=1e-4)
        assert b"".join(recording.peaks()) == compute_peaks(load_audio(file)).tobytes()
        assert recording.wait() == pytest.approx(len(samples) / 16000)
    finally:
        recording.close()
    assert not played.exists()


def test_another_channel_or_a_mended_header_is_converted(tmp_path: Path, voice: Path) -> None:
    assert find_playable(open_audio(voice, channel=0)) is None
    content = bytearray(voice.read_bytes())
    content[40:44] = struct.pack("<I", 0)  # as a recorder leaves it that was cut off
    (tmp_path / "cut.wav").write_bytes(content)
    assert find_playable(open_audio(tmp_path / "cut.wav")) is None
    with voice.open("rb") as stream:
        assert find_playable(open_audio(stream)) is None


def test_a_faulty_sample_ends_the_peaks_and_is_told(tmp_path: Path) -> None:
    samples = tone("ann")
    samples[20000] = np.nan
    soundfile.write(tmp_path / "bad.wav", samples, 16000, "FLOAT")
    recording = PlayableRecording(open_audio(tmp_path / "bad.wav", channel=0))
    recording.start()
    assert list(recording.peaks()) == []
    assert "NaN" in str(recording.error)
    with pytest.raises(AudioError, match="NaN"):
        recording.file()
    recording.close()


def test_opus_has_the_length_of_the_recording_and_the_same_bytes_each_time(voice: Path) -> None:
    encoded = []
    for _ in range(2):
        target = io.BytesIO()
        encode_opus(open_audio(voice), target)
        encoded.append(target.getvalue())
    assert encoded[0] == encoded[1]
    decoded, rate = soundfile.read(io.BytesIO(encoded[0]))
    assert len(decoded) / rate == pytest.approx(3.0, abs=1e-3)
    assert len(encoded[0]) < 15000
