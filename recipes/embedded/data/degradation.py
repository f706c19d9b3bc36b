"""Degraded copies of an utterance: in a room, with noise, through a channel, at another speed."""

from __future__ import annotations

import io

import numpy as np
import soundfile
import soxr
from scipy.signal import butter, fftconvolve, sosfilt

from diarspk.audio import SAMPLE_RATE
from recipes.embedded.data.shards import Waveform
from recipes.training.speed import change_speed

__all__ = [
    "SPEED",
    "add_noise",
    "band_limit",
    "clip",
    "degrade",
    "encode_and_decode",
    "pass_channel",
    "reverberate",
]

SPEED = {"slow": 0.9, "fast": 1.1, "slower": 0.8, "faster": 1.2}


def degrade(
    audio: Waveform,
    variant: str,
    rooms: list[Waveform],
    noises: list[Waveform],
    generator: np.random.Generator,
) -> Waveform:
    if variant == "recorded":
        return audio
    if variant == "noisy":
        if generator.random() < 0.5:
            audio = reverberate(audio, rooms[generator.integers(len(rooms))])
        noise = noises[generator.integers(len(noises))]
        noise = np.roll(noise, int(generator.integers(len(noise))))
        return add_noise(audio, noise, generator.uniform(0, 20))
    if variant in SPEED:
        audio = change_speed(audio, SPEED[variant])
        if generator.random() < 0.5:
            return audio
    if variant == "channel" or (variant in SPEED and generator.random() < 0.5):
        return pass_channel(audio, generator)
    return reverberate(audio, rooms[generator.integers(len(rooms))])


def reverberate(audio: Waveform, response: Waveform) -> Waveform:
    return fftconvolve(audio, response)[: len(audio)].astype(np.float32)


def add_noise(audio: Waveform, noise: Waveform, ratio_db: float) -> Waveform:
    """Add noise, repeated where it is short, ``ratio_db`` below the audio."""
    noise = np.resize(noise, len(audio))
    powers = np.mean(audio**2), max(float(np.mean(noise**2)), 1e-12)
    return audio + noise * np.float32(np.sqrt(powers[0] / powers[1]) * 10 ** (-ratio_db / 20))


def pass_channel(audio: Waveform, generator: np.random.Generator) -> Waveform:
    """One of: GSM, mu-law telephone, low-rate MP3, a band limit, clipping."""
    choice = generator.integers(5)
    if choice == 0:
        return encode_and_decode(audio, 8000, format="WAV", subtype="GSM610")
    if choice == 1:
        return encode_and_decode(audio, 8000, format="WAV", subtype="ULAW")
    if choice == 2:
        return encode_and_decode(audio, SAMPLE_RATE, format="MP3", compression_level=0.9)
    return band_limit(audio, generator) if choice == 3 else clip(audio, generator)


def encode_and_decode(audio: Waveform, rate: int, **codec: object) -> Waveform:
    """Pass audio through a lossy codec of libsndfile at ``rate`` and back to 16 kHz."""
    narrow = soxr.resample(audio, SAMPLE_RATE, rate)
    peak = max(float(np.abs(narrow).max()), 1e-5)
    stream = io.BytesIO()
    soundfile.write(stream, narrow / peak * 0.8, rate, **codec)
    stream.seek(0)
    decoded, _ = soundfile.read(stream, dtype="float32")
    widened = soxr.resample(decoded, rate, SAMPLE_RATE)[: len(audio)]
    return np.pad(widened, (0, len(audio) - len(widened))).astype(np.float32)


def band_limit(audio: Waveform, generator: np.random.Generator) -> Waveform:
    """Limit to a far-field or handset band: random corner frequencies, second order."""
    low, high = generator.uniform(80, 350), generator.uniform(2800, 7000)
    sections = butter(2, [low, high], "bandpass", fs=SAMPLE_RATE, output="sos")
    return sosfilt(sections, audio).astype(np.float32)


def clip(audio: Waveform, generator: np.random.Generator) -> Waveform:
    limit = np.quantile(np.abs(audio), generator.uniform(0.9, 0.995))
    return np.clip(audio, -limit, limit).astype(np.float32)
