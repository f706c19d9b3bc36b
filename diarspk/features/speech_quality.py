"""Speech quality: amount of speech and signal-to-noise ratio, as warnings about an embedding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from diarspk.features.log_mel import FeatureConfig, LogMel

__all__ = [
    "FRAME_S",
    "MIN_RATIO_DB",
    "MIN_SPEECH_S",
    "SpeechQuality",
    "check_speech",
    "frame_levels",
    "measure_frames",
    "measure_speech",
    "speech_frames",
]

MIN_SPEECH_S = 2.0
"""Seconds of speech below which embeddings are less reliable."""

MIN_RATIO_DB = 10.0
"""Ratio of speech to background in dB below which embeddings are less reliable."""

FRAME_S = FeatureConfig().frame_shift_ms / 1000
"""Seconds from one frame to the next."""

DECIBEL = float(np.log(10) / 10)


@dataclass(frozen=True)
class SpeechQuality:
    """Energy-based measures of the speech in a waveform.

    Attributes
    ----------
    speech_s : float
        Seconds of frames within 30 dB of the loud ones and 3 dB above the background.
    ratio_db : float
        Loud frames (95th percentile) above the background (10th percentile) in dB; NaN if unknown.
    """

    speech_s: float
    ratio_db: float

    @property
    def doubts(self) -> list[str]:
        """What makes an embedding less reliable, each with a remedy; none where nothing does."""
        if self.speech_s < MIN_SPEECH_S:
            return [
                f"has {self.speech_s:.1f} s of speech; embeddings are less reliable below "
                f"{MIN_SPEECH_S:g} s, so give a longer recording, or several"
            ]
        if self.ratio_db < MIN_RATIO_DB:
            return [
                f"has speech only {self.ratio_db:.0f} dB above the background; embeddings of noisy "
                f"speech (below {MIN_RATIO_DB:g} dB) are less reliable, so give a quieter recording"
            ]
        return []


def measure_speech(waveform: NDArray[np.float32]) -> SpeechQuality:
    """Measure the speech in a 16 kHz waveform ``(time,)``."""
    return measure_frames(frame_levels(waveform))


def frame_levels(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """Level in dB of the mean mel energy of every frame of a 16 kHz waveform, one each 10 ms."""
    with torch.inference_mode():
        samples = torch.from_numpy(np.ascontiguousarray(waveform, np.float32))
        features = LogMel()(samples[None])[0]
    return np.asarray(features.exp().mean(-1).log().numpy() / DECIBEL)


def speech_frames(levels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Frames within 30 dB of the loud ones and 3 dB above the background."""
    background, loud = np.quantile(levels, [0.1, 0.95])
    return np.asarray(levels > max(loud - 30.0, min(background + 3.0, loud - 6.0)))


def measure_frames(levels: NDArray[np.float32]) -> SpeechQuality:
    """Measure the speech in frames by their levels, see :func:`frame_levels`."""
    background, loud = np.quantile(levels, [0.1, 0.95])
    seconds = float(speech_frames(levels).sum()) * FRAME_S
    return SpeechQuality(seconds if loud > 0 else 0.0, float(loud - background))


def check_speech(waveform: NDArray[np.float32]) -> list[str]:
    """List what makes an embedding of a 16 kHz waveform ``(time,)`` less reliable, with remedies.

    See :attr:`SpeechQuality.doubts`.
    """
    return measure_speech(waveform).doubts
