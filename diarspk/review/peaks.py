"""Peaks of the waveform, computed block by block while a recording is decoded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.audio.stream import SAMPLE_RATE
from diarspk.errors import ArgumentError

__all__ = ["PEAKS_PER_S", "compute_peaks", "decode_peaks"]

PEAKS_PER_S = 100
"""Peaks a second: 720 kB an hour, and about one for every pixel where single words are in view."""

SAMPLES_PER_PEAK = SAMPLE_RATE // PEAKS_PER_S
FULL_SCALE = 127


def compute_peaks(samples: NDArray[np.float32]) -> NDArray[np.int8]:
    """Compute the lowest and the highest sample of every hundredth of a second.

    Parameters
    ----------
    samples : NDArray of float32, shape (time,)
        At 16 kHz. Blocks of whole hundredths give what the whole recording gives.

    Returns
    -------
    NDArray of int8, shape (peaks, 2)
        The square root of the amplitude, with its sign, in 127ths: so a speaker 40 dB below full
        scale still has a shape of twelve steps.

    Raises
    ------
    ArgumentError
        If the samples are not one channel.

    Examples
    --------
    >>> compute_peaks(np.array([0.25, -1.0], np.float32)).tolist()
    [[-127, 64]]
    """
    if samples.ndim != 1:
        raise ArgumentError(f"`samples` must be of shape (time,), got {samples.shape}")
    count = -(-len(samples) // SAMPLES_PER_PEAK)
    # The last peak may be short: its own last sample fills it.
    padded = np.pad(samples, (0, count * SAMPLES_PER_PEAK - len(samples)), "edge")
    groups = padded.reshape(count, SAMPLES_PER_PEAK)
    peaks = np.clip(np.stack([groups.min(1), groups.max(1)], axis=1), -1.0, 1.0)
    return np.rint(FULL_SCALE * np.sign(peaks) * np.sqrt(np.abs(peaks))).astype(np.int8)


def decode_peaks(peaks: NDArray[np.int8]) -> NDArray[np.float32]:
    """Amplitudes of :func:`compute_peaks`, in [-1, 1]."""
    roots = peaks.astype(np.float32) / FULL_SCALE
    return (np.sign(roots) * roots**2).astype(np.float32)
