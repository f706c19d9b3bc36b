"""Speech and non-speech frames of an utterance, by the probabilities of a detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.intervals import find_runs

__all__ = ["non_speech_intervals", "read_speech_probabilities", "speech_mask"]


def read_speech_probabilities(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read the probability of speech in every 32 ms of each utterance.

    Parameters
    ----------
    path
        ``speech.npz``, written by :mod:`recipes.embedded.data.speech`.
    """
    stored = np.load(path)
    parts = np.split(stored["probability"].astype(np.float32) / 255, np.cumsum(stored["chunks"]))
    return dict(zip(stored["utterance"].tolist(), parts[:-1], strict=True))


def speech_mask(
    probability: NDArray[np.float32],
    frames: int,
    *,
    threshold: float = 0.3,
    max_pause: int = 30,
) -> NDArray[np.bool_]:
    """Mark speech, and pauses of at most ``max_pause`` frames within it.

    Parameters
    ----------
    probability
        Of speech along the recording, at any rate.
    frames
        Feature frames of the recording, at any speed.

    Returns
    -------
    NDArray of bool, shape (frames,)
        True everywhere where the detector found no speech at all.
    """
    speech = resample_nearest(probability, frames) >= threshold
    runs = find_runs(speech)
    for end, start in zip(runs[:-1, 1], runs[1:, 0], strict=True):
        if start - end <= max_pause:
            speech[end:start] = True
    return speech if speech.any() else np.ones(frames, np.bool_)


def non_speech_intervals(
    probability: NDArray[np.float32], frames: int, *, threshold: float = 0.1, min_frames: int = 25
) -> list[tuple[int, int]]:
    """Half-open intervals of frames without speech, each ``min_frames`` long or longer."""
    silent = resample_nearest(probability, frames) < threshold
    runs = find_runs(silent).tolist()
    return [(start, end) for start, end in runs if end - start >= min_frames]


def resample_nearest(probability: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Nearest value for each of ``frames`` that span the same recording, ``(frames,)``."""
    place = (np.arange(frames) + 0.5) * len(probability) / frames
    return probability[place.astype(np.int64)]
