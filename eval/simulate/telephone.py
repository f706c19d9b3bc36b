"""Telephone line: a handset, a band, noise and the codec of a network, drawn by a generator.

The lines are other ones than those of ``recipes.cohort``, whose vectors they test.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

from diarspk.audio import SAMPLE_RATE

__all__ = ["TelephoneLine", "draw_line"]

Samples = NDArray[np.float32]

RATE = 8000
TAPS = 256
PEAK = 0.8


@dataclass(frozen=True, eq=False)
class TelephoneLine:
    """Line that voices pass, with the same colour for all of them.

    Attributes
    ----------
    band : ndarray, ``(sections, 6)``
        Band of the network, as second-order sections.
    handset : ndarray, ``(taps,)``
        Impulse response of microphone and loudspeaker.
    codec : {"GSM610", "ULAW"}
        Of mobile or of fixed networks.
    noise_db : float
        Noise below the voice.
    """

    band: NDArray[np.float64]
    handset: NDArray[np.float64]
    codec: Literal["GSM610", "ULAW"]
    noise_db: float

    def colour(self, waveform: Samples) -> Samples:
        """Filter ``(time,)`` at 16 kHz: what of a part of a mixture the line passes on."""
        limited = sosfilt(self.band, waveform)
        return fftconvolve(limited, self.handset, "same").astype(np.float32)

    def transmit(self, waveform: Samples, generator: np.random.Generator) -> Samples:
        """Pass ``(time,)`` at 16 kHz through the line: filtered, noisy, coded and decoded."""
        voice = self.colour(waveform)
        level = float(np.sqrt(np.mean(voice**2))) * 10 ** (-self.noise_db / 20)
        narrow = soxr.resample(voice, SAMPLE_RATE, RATE)
        narrow = narrow + level * generator.standard_normal(len(narrow))
        scale = PEAK / max(float(np.abs(narrow).max()), 1e-5)
        stream = io.BytesIO()
        soundfile.write(stream, scale * narrow, RATE, format="WAV", subtype=self.codec)
        stream.seek(0)
        decoded = soundfile.read(stream, dtype="float32")[0] / scale
        wide = soxr.resample(decoded, RATE, SAMPLE_RATE)[: len(waveform)]
        return np.pad(wide, (0, len(waveform) - len(wide))).astype(np.float32)


def draw_line(generator: np.random.Generator) -> TelephoneLine:
    """Draw a line: cut off at 150 to 350 and 3,000 to 3,700 Hz, noise 30 to 50 dB below."""
    band = [generator.uniform(150, 350), generator.uniform(3000, 3700)]
    # A smooth response in dB: four cosines over the frequency, the slower the larger.
    frequency = np.linspace(0, 1, TAPS // 2 + 1)
    decibels = sum(
        6 / order * generator.normal() * np.cos(2 * np.pi * order * frequency + phase)
        for order, phase in enumerate(generator.uniform(0, 2 * np.pi, 4), start=1)
    )
    response = np.roll(np.fft.irfft(10 ** (np.asarray(decibels) / 20)), TAPS // 2)
    return TelephoneLine(
        butter(3, band, "bandpass", fs=SAMPLE_RATE, output="sos"),
        response * np.hanning(TAPS),
        "GSM610" if generator.random() < 0.5 else "ULAW",
        float(generator.uniform(30, 50)),
    )
