"""Voices that nobody has: pitch and formants of a recording moved apart from each other.

A voice at another speed has pitch and formants higher or lower by one factor. Real voices differ in
both: the larynx sets the one, the length of the vocal tract the other. Here the speed sets the
pitch, and the spectral envelope is stretched besides.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from diarspk.audio import SAMPLE_RATE
from recipes.embedded.data.shards import Waveform
from recipes.training.speed import change_speed

__all__ = ["Warp", "draw_warp", "stretch_envelope", "warp_voice"]

WINDOW = 512
HOP = 128

ENVELOPE_S = 0.0015
"""Quefrency up to which the cepstrum is the envelope's: below any period of a voice."""

LOG_PITCH = 0.29
"""Largest change of the pitch: a third up, a quarter down."""

SHARED, LOG_FORMANTS = 0.5, 0.07
"""Share of the change of pitch that formants follow, as they do from one person to another, and the
deviation of what they do on their own."""


class Warp(NamedTuple):
    """Factors of a changed voice: of pitch and tempo, and of formants."""

    pitch: float
    formants: float


def draw_warp(generator: np.random.Generator) -> Warp:
    """Draw a change of pitch, and one of formants that follows it by half."""
    pitch = generator.uniform(-LOG_PITCH, LOG_PITCH)
    formants = SHARED * pitch + generator.normal(0.0, LOG_FORMANTS)
    return Warp(math.exp(pitch), math.exp(formants))


def warp_voice(voice: Waveform, warp: Warp) -> Waveform:
    """Change pitch and formants of ``(time,)`` at 16 kHz; the tempo goes with the pitch."""
    faster = change_speed(voice, warp.pitch)
    return stretch_envelope(faster, warp.formants / warp.pitch)


def stretch_envelope(voice: Waveform, factor: float) -> Waveform:
    """Stretch the spectral envelope of ``(time,)`` at 16 kHz; pitch, tempo and phases stay.

    The envelope is that of the real cepstrum below 1.5 ms; above what it is stretched to, its last
    value goes on.
    """
    if len(voice) < WINDOW:
        return voice
    window = torch.hann_window(WINDOW)
    audio = torch.from_numpy(np.ascontiguousarray(voice, np.float32))
    spectrum = torch.stft(audio, WINDOW, HOP, window=window, return_complex=True)
    envelope = log_envelope(spectrum.abs().clamp_min(1e-7).log().T)
    bins = envelope.shape[1]
    source = (torch.arange(bins) / factor).clamp(max=bins - 1)
    low = source.floor().long().clamp(max=bins - 2)
    part = source - low
    stretched = envelope[:, low] * (1 - part) + envelope[:, low + 1] * part
    changed = spectrum * (stretched - envelope).T.exp()
    result: Waveform = torch.istft(changed, WINDOW, HOP, window=window, length=len(audio)).numpy()
    return result


def log_envelope(log_spectrum: Tensor) -> Tensor:
    """Smooth log magnitudes ``(frames, bins)`` of one-sided spectra by their cepstrum."""
    cepstrum = torch.fft.irfft(log_spectrum, WINDOW)
    kept = round(ENVELOPE_S * SAMPLE_RATE)
    cepstrum[:, kept + 1 : WINDOW - kept] = 0.0
    smooth: Tensor = torch.fft.rfft(cepstrum, WINDOW).real
    return smooth
