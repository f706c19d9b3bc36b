"""Pitch of an utterance, frame by frame, and its prosody as a vector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ModelError

__all__ = ["energy_of", "pitch_of", "prosody_of"]

MIN_PITCH_HZ, MAX_PITCH_HZ = 60.0, 600.0
WINDOW_SAMPLES = 1024
HOP_SAMPLES = 320
"""Two frames of log-mel features: pitch changes slowly, and the search takes most of the time."""

RESOLUTION = 0.2  # semitones
FRAMES_PER_HOP = 2


def pitch_of(waveform: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Fundamental frequency in octaves above 1 Hz by probabilistic YIN; NaN where unvoiced.

    Parameters
    ----------
    waveform
        At 16 kHz.
    frames
        Number of log-mel frames, of 10 ms: the length of what is returned.

    Raises
    ------
    ModelError
        If librosa is not installed.
    """
    try:
        import librosa
    except ImportError as error:
        raise ModelError("pitch needs librosa; pip install 'diarspk[cues]'") from error
    padded = np.pad(waveform, (0, max(WINDOW_SAMPLES - len(waveform), 0)))
    found, voiced, _ = librosa.pyin(
        padded,
        fmin=MIN_PITCH_HZ,
        fmax=MAX_PITCH_HZ,
        sr=SAMPLE_RATE,
        frame_length=WINDOW_SAMPLES,
        hop_length=HOP_SAMPLES,
        resolution=RESOLUTION,
    )
    octaves = np.log2(np.where(voiced, found, np.nan)).astype(np.float32)
    return np.resize(np.repeat(octaves, FRAMES_PER_HOP), frames)


def energy_of(log_mel: NDArray[np.floating]) -> NDArray[np.float64]:
    """Energy of frames ``(frames, mels)``: mean log energy over the bins, ``(frames,)``."""
    return np.asarray(log_mel, np.float64).mean(axis=1)


def prosody_of(pitch: NDArray[np.floating], log_mel: NDArray[np.floating]) -> NDArray[np.float32]:
    """Prosody of an utterance, ``(6,)``: statistics that say nothing of timbre.

    Mean pitch, its deviation, its 5th and 95th percentile; deviation of the energy, voiced share.
    An utterance without a voiced frame has zeros for its pitch.
    """
    voiced = pitch[np.isfinite(pitch)]
    if len(voiced):
        register = [voiced.mean(), voiced.std(), *np.quantile(voiced, [0.05, 0.95])]
    else:
        register = [0.0] * 4
    spread = energy_of(log_mel).std()
    return np.array([*register, spread, len(voiced) / max(len(pitch), 1)], np.float32)
