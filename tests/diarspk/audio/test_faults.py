"""Ill-formed audio: each kind has its defined result."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from diarspk.audio import SAMPLE_RATE, load_audio, open_audio
from diarspk.errors import ArgumentError, AudioError, AudioWarning

RATE_FAULT = r"`sample_rate` must be a whole number from 4000 to 384000 Hz, got "


def noise(seconds: float, rate: int = SAMPLE_RATE) -> Any:
    return np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * rate)).astype(np.float32)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"gone\.wav: no such file"):
        open_audio(tmp_path / "gone.wav")
    with pytest.raises(AudioError, match="cannot be opened"):
        open_audio(tmp_path)


def test_an_empty_file_and_a_file_without_samples(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    path.touch()
    with pytest.raises(AudioError, match=r"empty\.wav: the file is empty"):
        open_audio(path)
    soundfile.write(path, noise(0), SAMPLE_RATE)
    with pytest.raises(AudioError, match=r"empty\.wav: holds no samples"):
        load_audio(path)
    with pytest.raises(AudioError, match="the file is empty"):
        open_audio(io.BytesIO())
    with pytest.raises(AudioError, match="holds no samples"):
        load_audio(noise(0), SAMPLE_RATE)


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "mp3"])
def test_a_truncated_file_gives_what_it_holds_and_a_warning(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut.{suffix}"
    soundfile.write(path, noise(4), SAMPLE_RATE)
    whole = load_audio(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.warns(AudioWarning, match=r"truncated, [12]\.\d s of 4\.0 s"):
        part = load_audio(path)
    assert 1.4 * SAMPLE_RATE < len(part) < 2.4 * SAMPLE_RATE
    np.testing.assert_allclose(part[:SAMPLE_RATE], whole[:SAMPLE_RATE], atol=1e-6)


def test_a_file_truncated_to_its_header(tmp_path: Path) -> None:
    for suffix, size in (("flac", 100), ("ogg", 100), ("wav", 44)):
        path = tmp_path / f"cut.{suffix}"
        soundfile.write(path, noise(1), SAMPLE_RATE)
        path.write_bytes(path.read_bytes()[:size])
        with pytest.raises(AudioError, match=rf"cut\.{suffix}: "):
            load_audio(path)


def test_a_streamed_wav_header_is_no_truncation(tmp_path: Path) -> None:
    path = tmp_path / "streamed.wav"
    soundfile.write(path, noise(1), SAMPLE_RATE)
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert load_audio(path).shape == (SAMPLE_RATE,)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rate", [8000, 16000])
def test_values_that_are_not_finite(tmp_path: Path, value: float, rate: int) -> None:
    samples = np.stack([noise(20, rate), noise(20, rate)])
    samples[1, rate * 15 :] = value
    path = tmp_path / "nan.wav"
    soundfile.write(path, samples.T, rate, subtype="FLOAT")
    for audio, given in ((path, None), (samples, rate)):
        with pytest.raises(AudioError, match=r"NaN or infinite, .* at 15\.000 s"):
            load_audio(audio, given)
        assert load_audio(audio, given, channel=0).shape == (20 * SAMPLE_RATE,)


def test_infinities_that_cancel_or_overflow() -> None:
    for samples in (np.array([[np.inf, 0], [-np.inf, 0]]), np.array([1e300])):
        with pytest.raises(AudioError, match=r"at 0\.000 s"):
            load_audio(samples, SAMPLE_RATE)


@pytest.mark.parametrize("rate", [0, -16000, 16, 3999, 384_001, 16000.0, "16000", True])
def test_sample_rates_out_of_range(rate: Any) -> None:
    with pytest.raises(ArgumentError, match=RATE_FAULT):
        load_audio(noise(1), rate)


def test_sample_rates_missing_and_contradicting(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="`sample_rate` must be given with an array"):
        load_audio(noise(1))
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(1, 8000), 8000)
    assert load_audio(path, np.int64(8000)).shape == (SAMPLE_RATE,)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"must be that of .*a\.wav, 8000, got 16000"):
        load_audio(path, 16000)
    soundfile.write(path, noise(1, 1000), 1000)
    with pytest.raises(AudioError, match="its sample rate of 1000 Hz"):
        load_audio(path)


@pytest.mark.parametrize(
    ("audio", "fault"),
    [
        (np.zeros((2, 3, 4)), r"\(time,\) or \(channels, time\), got \(2, 3, 4\)"),
        (np.zeros((100, 2)), r"got \(100, 2\); transpose it"),
        (np.zeros(()), r"got \(\)"),
        (np.zeros(9, np.int64), "got int64; convert it"),
        (np.zeros(9, bool), "got bool; convert it"),
        (np.zeros(9, complex), "got complex128; convert it"),
        ([0.0, 0.1], "a path, a file object .* got list"),
        (b"RIFF", "got bytes"),
        (None, "got NoneType"),
        (io.StringIO("RIFF"), "opened in binary mode"),
    ],
)
def test_arguments_of_another_kind(audio: Any, fault: str) -> None:
    with pytest.raises(ArgumentError, match=fault):
        load_audio(audio, SAMPLE_RATE)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-9, float("nan"), float("inf")])
def test_lengths_of_blocks(seconds: float) -> None:
    with pytest.raises(ArgumentError, match=r"`seconds` must be (at least one|a finite)"):
        open_audio(noise(1), SAMPLE_RATE).blocks(seconds)


@pytest.mark.parametrize("name", ["text.wav", "film.m4a", "samples.raw"])
def test_what_is_no_audio_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("This is not audio.\n" * 100)
    with pytest.raises(AudioError, match=rf"{name}: not audio, or damaged .*; check the file"):
        load_audio(path)
