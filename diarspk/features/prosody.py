"""Prosody statistics of a speaker: pitch, energy and speaking rate, by librosa."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from diarspk.audio import SAMPLE_RATE, Audio, load_audio
from diarspk.errors import AudioError, ModelError

__all__ = ["ProsodyStatistics", "measure_prosody"]

FRAME_SAMPLES = 1024
HOP_SAMPLES = 256  # 16 ms
MIN_PITCH_HZ, MAX_PITCH_HZ = 60.0, 600.0
SPEECH_RANGE_DB = 35.0
"""Frames at most so much below the loudest count as speech."""

NUCLEUS_DIP_DB = 2.0
"""Minimum prominence of a syllable nucleus."""

NUCLEUS_FRAMES = 5  # minimum distance of nuclei: 80 ms
MIN_DURATION_S = 0.2


@dataclass(frozen=True)
class ProsodyStatistics:
    """Prosody over a recording of one speaker.

    Attributes
    ----------
    pitch_hz : float
        Median fundamental frequency of the voiced frames; NaN where none is voiced.
    pitch_low_hz, pitch_high_hz : float
        5th and 95th percentile of the fundamental frequency.
    pitch_deviation : float
        Standard deviation of the fundamental frequency in semitones.
    voiced_share : float
        Share of voiced frames among those of speech, in [0, 1].
    energy_db : float
        Mean level of speech in dBFS, which depends on the gain.
    energy_deviation_db : float
        Standard deviation of the level over speech, which does not depend on the gain.
    rate_hz : float
        Syllable nuclei per second of speech.
    speech_s : float
        Seconds of speech.
    """

    pitch_hz: float
    pitch_low_hz: float
    pitch_high_hz: float
    pitch_deviation: float
    voiced_share: float
    energy_db: float
    energy_deviation_db: float
    rate_hz: float
    speech_s: float


def measure_prosody(
    audio: Audio, sample_rate: int | None = None, *, channel: int | None = None
) -> ProsodyStatistics:
    """Measure the prosody of a recording of one speaker.

    Pitch is by probabilistic YIN (Mauch and Dixon, 2014), 60 to 600 Hz. Syllable nuclei are voiced
    peaks of the level that stand out by 2 dB (de Jong and Wempe, 2009): an estimate.

    Parameters
    ----------
    audio, sample_rate, channel
        See :func:`diarspk.audio.load_audio`.

    Raises
    ------
    AudioError
        If the audio cannot be read, is silent, or is shorter than 0.2 s.
    ModelError
        If librosa is not installed.
    """
    librosa = _librosa()
    waveform = load_audio(audio, sample_rate, channel=channel)  # (time,)
    if len(waveform) < MIN_DURATION_S * SAMPLE_RATE:
        raise AudioError(
            f"prosody needs {MIN_DURATION_S:g} s of audio, got {len(waveform) / SAMPLE_RATE:.3f} s"
        )
    level = _level_db(librosa, waveform)  # (frames,)
    speech = level > level.max() - SPEECH_RANGE_DB
    pitch, voiced, _ = librosa.pyin(
        waveform,
        fmin=MIN_PITCH_HZ,
        fmax=MAX_PITCH_HZ,
        sr=SAMPLE_RATE,
        frame_length=FRAME_SAMPLES,
        hop_length=HOP_SAMPLES,
    )
    voiced_speech = voiced & speech & np.isfinite(pitch)
    seconds = float(speech.sum()) * HOP_SAMPLES / SAMPLE_RATE
    middle, low, high, deviation = _pitch_statistics(pitch[voiced_speech])
    return ProsodyStatistics(
        pitch_hz=middle,
        pitch_low_hz=low,
        pitch_high_hz=high,
        pitch_deviation=deviation,
        voiced_share=float(voiced_speech.sum() / speech.sum()),
        energy_db=float(level[speech].mean()),
        energy_deviation_db=float(level[speech].std()),
        rate_hz=_count_nuclei(level, voiced_speech) / seconds,
        speech_s=seconds,
    )


def _level_db(librosa: ModuleType, waveform: NDArray[np.float32]) -> NDArray[np.float64]:
    rms = librosa.feature.rms(y=waveform, frame_length=FRAME_SAMPLES, hop_length=HOP_SAMPLES)[0]
    if float(rms.max()) < 1e-6:
        raise AudioError("prosody needs speech, got silence; check the recording")
    return np.asarray(20 * np.log10(np.maximum(rms, 1e-10)), np.float64)


def _pitch_statistics(pitch: NDArray[np.float64]) -> tuple[float, float, float, float]:
    if len(pitch) == 0:
        return (float("nan"),) * 4
    low, middle, high = np.quantile(pitch, [0.05, 0.5, 0.95])
    semitones = 12 * np.log2(pitch / middle)
    return float(middle), float(low), float(high), float(semitones.std())


def _count_nuclei(level: NDArray[np.float64], voiced: NDArray[np.bool_]) -> int:
    padded = np.pad(level, 1, constant_values=level.min())  # a peak may be at an end
    peaks, _ = find_peaks(padded, prominence=NUCLEUS_DIP_DB, distance=NUCLEUS_FRAMES)
    return int(voiced[peaks - 1].sum())


def _librosa() -> ModuleType:
    try:
        import librosa
    except ImportError as error:
        raise ModelError("prosody needs librosa; pip install 'diarspk[cues]'") from error
    return librosa
