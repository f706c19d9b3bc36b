"""Degradations of speech, seeded: noise, rooms, codecs, short durations.

Noise, a simulated room, codecs (by libsndfile, in memory), and too little of it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from diarspk.audio import SAMPLE_RATE

__all__ = ["Degradation", "add_noise", "coded", "crop", "degradations", "reverberate"]

Samples = NDArray[np.float32]
Family = Literal["noise", "room", "codec", "duration"]
BABBLE_VOICES = 4
DIRECT_MS = 2.5
"""Time after the first sound within which sound counts as direct."""


@dataclass(frozen=True)
class Degradation:
    """One way to make speech worse.

    Attributes
    ----------
    name : str
    family : {"noise", "room", "codec", "duration"}
    apply : callable
        Waveform at 16 kHz and a generator -> waveform at 16 kHz.
    """

    name: str
    family: Family
    apply: Callable[[Samples, np.random.Generator], Samples]


def degradations(voices: Sequence[Samples]) -> tuple[Degradation, ...]:
    """All of them, mildest first within a family.

    Parameters
    ----------
    voices : sequence of ndarray
        Speech that babble is made of.
    """
    noise = [
        Degradation(f"white noise {ratio} dB", "noise", _white(ratio)) for ratio in (20, 10, 0)
    ]
    noise += [
        Degradation(f"babble {ratio} dB", "noise", _babble(ratio, voices)) for ratio in (20, 10, 0)
    ]
    rooms = [
        Degradation(f"room {seconds:g} s, {ratio:+d} dB", "room", _room(seconds, ratio))
        for seconds, ratio in ((0.3, 5), (0.6, 0), (1.0, -5))
    ]
    codecs = [Degradation(name, "codec", _codec(name)) for name in CODECS]
    crops = [Degradation(f"{seconds:g} s", "duration", _cut(seconds)) for seconds in (2, 1, 0.5)]
    return (*noise, *rooms, *codecs, *crops)


def add_noise(waveform: Samples, noise: Samples, ratio_db: float) -> Samples:
    """Add noise, of the same length, so that the speech has ``ratio_db`` more power."""
    power, other = (float(np.mean(np.square(one, dtype=np.float64))) for one in (waveform, noise))
    gain = np.sqrt(power / max(other, 1e-20)) * 10 ** (-ratio_db / 20)
    return (waveform + gain * noise).astype(np.float32)


def reverberate(
    waveform: Samples, seconds: float, ratio_db: float, generator: np.random.Generator
) -> Samples:
    """Place speech in a simulated room; the length stays, and so does the power.

    The direct sound, then Gaussian noise that falls by 60 dB in ``seconds`` (Polack's model), with
    ``ratio_db`` between the power of both.
    """
    taps = round(seconds * SAMPLE_RATE)
    tail = generator.normal(size=taps) * 10 ** (-3 * np.arange(taps) / taps)
    tail[: round(DIRECT_MS * SAMPLE_RATE / 1000)] = 0
    response = tail * 10 ** (-ratio_db / 20) / np.sqrt(np.square(tail).sum())
    response[0] = 1
    reverberant = fftconvolve(waveform, response)[: len(waveform)]
    before, after = (np.sqrt(np.mean(np.square(one))) for one in (waveform, reverberant))
    return (reverberant * before / max(float(after), 1e-10)).astype(np.float32)


def coded(waveform: Samples, name: str) -> Samples:
    """Encode and decode; the length stays.

    Parameters
    ----------
    name : str
        One of :data:`CODECS`.
    """
    import soundfile
    import soxr

    rate, container, subtype, options = CODECS[name]
    stream = io.BytesIO()
    narrow = np.clip(soxr.resample(waveform, SAMPLE_RATE, rate), -1, 1)
    with soundfile.SoundFile(stream, "w", rate, 1, subtype, format=container, **options) as file:
        file.write(narrow)
    stream.seek(0)
    decoded, rate = soundfile.read(stream, dtype="float32")
    widened = np.asarray(soxr.resample(decoded, rate, SAMPLE_RATE), np.float32)[: len(waveform)]
    return np.pad(widened, (0, len(waveform) - len(widened)))


MP3_16 = {"compression_level": 0.95, "bitrate_mode": "CONSTANT"}

CODECS: dict[str, tuple[int, str, str, dict[str, Any]]] = {
    "mu-law 8 kHz": (8000, "WAV", "ULAW", {}),
    "GSM 6.10": (8000, "WAV", "GSM610", {}),
    "Opus 8 kbit/s": (16000, "OGG", "OPUS", {"compression_level": 1.0}),
    "MP3 16 kbit/s": (16000, "MP3", "MPEG_LAYER_III", MP3_16),
}
"""Rate, container, coding, and libsndfile's settings; G.711 and GSM have 64 and 13 kbit/s."""


def crop(waveform: Samples, seconds: float, generator: np.random.Generator) -> Samples:
    """Keep so much from a random place; all of it where there is less."""
    length = round(seconds * SAMPLE_RATE)
    start = int(generator.integers(max(len(waveform) - length, 0) + 1))
    return waveform[start : start + length]


def _white(ratio_db: float) -> Callable[[Samples, np.random.Generator], Samples]:
    def apply(waveform: Samples, generator: np.random.Generator) -> Samples:
        noise = generator.normal(size=len(waveform)).astype(np.float32)
        return add_noise(waveform, noise, ratio_db)

    return apply


def _babble(
    ratio_db: float, voices: Sequence[Samples]
) -> Callable[[Samples, np.random.Generator], Samples]:
    def apply(waveform: Samples, generator: np.random.Generator) -> Samples:
        drawn = generator.permutation(len(voices))[: BABBLE_VOICES + 1]
        others = [voices[one] for one in drawn if voices[one] is not waveform][:BABBLE_VOICES]
        noise = np.sum([np.resize(_unit(one), len(waveform)) for one in others], axis=0)
        return add_noise(waveform, noise.astype(np.float32), ratio_db)

    return apply


def _unit(waveform: Samples) -> Samples:
    return waveform / max(float(np.sqrt(np.mean(np.square(waveform)))), 1e-9)


def _room(seconds: float, ratio_db: float) -> Callable[[Samples, np.random.Generator], Samples]:
    return lambda waveform, generator: reverberate(waveform, seconds, ratio_db, generator)


def _codec(name: str) -> Callable[[Samples, np.random.Generator], Samples]:
    return lambda waveform, generator: coded(waveform, name)


def _cut(seconds: float) -> Callable[[Samples, np.random.Generator], Samples]:
    return lambda waveform, generator: crop(waveform, seconds, generator)
