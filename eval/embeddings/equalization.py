"""Filter utterances so that all have the same mean spectrum, and no microphone tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from diarspk.audio import SAMPLE_RATE
from eval.embeddings.speech import Utterance

__all__ = ["equalize_spectra", "mean_spectrum"]

SEGMENT = 512
"""Samples of which a spectrum is taken: 31 Hz from one bin to the next."""

LARGEST_DB = 20.0
"""By which a frequency is raised or lowered at most."""

FLOOR_DB = -60.0
"""Power below the loudest frequency that still counts as sound."""


def equalize_spectra(utterances: Sequence[Utterance]) -> list[Utterance]:
    """Give every utterance the mean spectrum of all, by a filter without phase.

    Where an utterance has no energy to speak of, as above the band of a telephone, nothing is
    raised by more than 20 dB.
    """
    spectra = np.stack([mean_spectrum(one.waveform) for one in utterances])
    common = spectra.mean(0)
    return [
        replace(one, waveform=_filter(one.waveform, common - own))
        for one, own in zip(utterances, spectra, strict=True)
    ]


def mean_spectrum(waveform: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean power in each frequency, in dB below the loudest one, ``(SEGMENT / 2 + 1,)``."""
    length = min(SEGMENT, len(waveform))
    _, power = signal.welch(waveform, SAMPLE_RATE, nperseg=length, nfft=SEGMENT, detrend=False)
    floor = max(power.max(), np.finfo(np.float32).tiny) * 10 ** (FLOOR_DB / 10)
    decibels = 10 * np.log10(np.maximum(power, floor))
    return decibels - decibels.max()


def _filter(waveform: NDArray[np.float32], gain_db: NDArray[np.float64]) -> NDArray[np.float32]:
    padded = fft.next_fast_len(len(waveform) + SEGMENT, real=True)
    position = np.linspace(0, SEGMENT // 2, padded // 2 + 1)
    gain = np.interp(position, np.arange(len(gain_db)), gain_db.clip(-LARGEST_DB, LARGEST_DB))
    spectrum = fft.rfft(waveform, padded) * 10 ** (gain / 20)
    return fft.irfft(spectrum, padded)[: len(waveform)].astype(np.float32)
