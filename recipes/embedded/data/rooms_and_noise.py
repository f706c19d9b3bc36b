"""Rooms and noise to degrade speech with: measured, recorded, simulated and generated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from diarspk.audio import SAMPLE_RATE
from recipes.embedded.data.shards import Waveform

__all__ = [
    "gather_noises",
    "generate_noise",
    "read_impulse_responses",
    "read_noises",
    "simulate_rooms",
]

GENERATED_NOISES = 60
"""Noises that are generated beside those of a folder."""


def read_impulse_responses(folder: Path, max_s: float = 1.2) -> list[Waveform]:
    """Measured responses, cut to ``max_s`` so that no cathedral smears a whole crop."""
    responses = []
    for path in sorted(folder.glob("*.flac")):
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
        response = soxr.resample(audio[:, 0], rate, SAMPLE_RATE)
        start = max(int(np.argmax(np.abs(response))) - 40, 0)
        responses.append(response[start : start + int(max_s * SAMPLE_RATE)])
    return responses


def simulate_rooms(count: int, generator: np.random.Generator) -> list[Waveform]:
    """Impulse responses of shoebox rooms from closets to lecture halls (image method)."""
    import pyroomacoustics as pra

    responses: list[Waveform] = []
    while len(responses) < count:
        size = generator.uniform([2.5, 2.5, 2.3], [10.0, 8.0, 4.0])
        absorption, order = pra.inverse_sabine(
            max(generator.uniform(0.15, 0.8), 0.17 * np.prod(size) ** (1 / 3) / 2), size
        )
        room = pra.ShoeBox(
            size,
            fs=SAMPLE_RATE,
            materials=pra.Material(min(absorption, 0.95)),
            max_order=min(order, 12),
        )
        room.add_source(generator.uniform([0.5] * 3, size - 0.5))
        room.add_microphone(generator.uniform([0.5] * 3, size - 0.5))
        room.compute_rir()
        response = np.asarray(room.rir[0][0], dtype=np.float32)
        start = max(int(np.argmax(np.abs(response))) - 40, 0)
        responses.append(response[start : start + int(0.8 * SAMPLE_RATE)])
    return responses


def read_noises(folder: Path, min_s: float = 0.5) -> dict[str, Waveform]:
    """Read the noises of a folder, by the names of their files."""
    noises = {}
    for path in sorted(folder.glob("*.opus")):
        audio, rate = soundfile.read(path, dtype="float32")
        audio = soxr.resample(audio, rate, SAMPLE_RATE)
        if len(audio) >= min_s * SAMPLE_RATE:
            noises[path.stem] = audio
    return noises


def generate_noise(
    count: int, generator: np.random.Generator, seconds: float = 10.0
) -> list[Waveform]:
    """Coloured noise with slow level changes, and mains hum with harmonics."""
    length = int(seconds * SAMPLE_RATE)
    frequency = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    noises = []
    for index in range(count):
        spectrum = np.fft.rfft(generator.standard_normal(length))
        audio = np.fft.irfft(spectrum / np.maximum(frequency, 20.0) ** generator.uniform(-0.2, 1.1))
        if index % 4 == 0:
            base, time = generator.uniform(45, 130), np.arange(length) / SAMPLE_RATE
            tones = sum(
                generator.random() / k * np.sin(2 * np.pi * base * k * time) for k in range(1, 12)
            )
            audio = audio / audio.std() * 0.3 + tones
        knots = np.exp(generator.normal(0, 0.5, 12))
        envelope = np.interp(np.arange(length), np.linspace(0, length, 12), knots)
        noises.append((audio * envelope / audio.std() * 0.05).astype(np.float32))
    return noises


def gather_noises(folder: Path, generator: np.random.Generator) -> dict[str, Waveform]:
    """Read the noises of a folder, and generate some more."""
    generated = enumerate(generate_noise(GENERATED_NOISES, generator))
    return read_noises(folder) | {f"generated-{number:02d}": audio for number, audio in generated}
