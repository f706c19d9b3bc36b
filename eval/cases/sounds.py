"""Sounds that are no speech of somebody in the room: a crying baby, and a loudspeaker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import iirpeak, lfilter

from diarspk.audio import SAMPLE_RATE
from eval.simulate.telephone import draw_line

__all__ = ["cry", "through_loudspeaker"]

Samples = NDArray[np.float32]

PITCH_HZ = (380.0, 560.0)
"""Pitch of a cry at its height; that of speaking adults is 80 to 250 Hz."""

FORMANTS_HZ = ((1100.0, 3.0), (3300.0, 4.0), (5600.0, 5.0))
"""Resonances of a short throat, each with its quality."""

CRY_S = (0.6, 1.4)
BREATH_S = (0.25, 0.5)
BOUT_S = (5.0, 12.0)
REST_S = (4.0, 12.0)
BREATHINESS = 0.02
CLIP = 2.0


def cry(seconds: float, generator: np.random.Generator) -> Samples:
    """Make a baby's crying, ``(time,)`` at a power of about one: it is synthetic.

    Cries of about a second, each with a pitch that rises and falls, a breath between two, and
    bouts of some seconds with a rest after them. The sources of noise at hand have no real one.
    """
    total = round(seconds * SAMPLE_RATE)
    track = np.zeros(total, np.float32)
    place = 0.0
    while place < seconds:
        end = place + generator.uniform(*BOUT_S)
        while place < min(end, seconds):
            voice = _one_cry(generator.uniform(*CRY_S), generator)
            start = round(place * SAMPLE_RATE)
            part = voice[: total - start]
            track[start : start + len(part)] = part
            place += len(voice) / SAMPLE_RATE + generator.uniform(*BREATH_S)
        place += generator.uniform(*REST_S)
    power = float(np.mean(track[track != 0] ** 2)) if track.any() else 1.0
    return track / np.float32(np.sqrt(power))


def _one_cry(seconds: float, generator: np.random.Generator) -> Samples:
    """Harmonics of a rising and falling pitch, with some breath, through a short throat."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    share = time / seconds
    height = generator.uniform(*PITCH_HZ)
    pitch = height * (0.8 + 0.2 * np.sin(np.pi * share**0.7))
    pitch = pitch * (1 + 0.01 * np.sin(2 * np.pi * generator.uniform(5, 8) * time))  # a tremble
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    harmonics = int(7000 / height)
    source = sum(np.sin(number * phase) / number for number in range(1, harmonics + 1))
    source = np.asarray(source) + BREATHINESS * generator.normal(size=len(time))
    throat = sum(
        lfilter(*iirpeak(frequency, quality, SAMPLE_RATE), source)
        for frequency, quality in FORMANTS_HZ
    )
    loudness = np.minimum(1.0, 12 * np.minimum(share, 1 - share))
    return np.asarray(loudness * (0.3 * source + np.asarray(throat)), np.float32)


def through_loudspeaker(waveform: Samples, generator: np.random.Generator) -> Samples:
    """Pass speech ``(time,)`` through a telephone line and a loudspeaker that clips softly."""
    received = draw_line(generator).transmit(waveform, generator)
    power = max(float(np.sqrt(np.mean(received**2))), 1e-6)
    return (power * np.tanh(CLIP * received / power) / CLIP).astype(np.float32)
