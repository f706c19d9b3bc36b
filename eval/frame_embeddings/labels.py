"""Labels of frames: the speakers, and whether speech is clean, near a change, or overlapped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from eval.diarization.conversation import Conversation

__all__ = ["KINDS", "FrameLabels", "Halves", "label_frames", "split_halves"]

KINDS = ("clean", "change", "overlap")
NEAR_S = 0.5
MIN_HALF_S = 0.5

Flags = NDArray[np.bool_]
Frames = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FrameLabels:
    """Frames of a recording by the reference.

    Attributes
    ----------
    active : ndarray of bool, ``(frames, speakers)``
        Who talks in the middle of each frame.
    kind : dict
        For each of `KINDS` the scored frames of that kind, bool ``(frames,)``. *clean*: one talks,
        and nobody else within half a second; *change*: one talks, another within half a second;
        *overlap*: several talk.
    """

    active: Flags
    kind: dict[str, Flags]

    def clean_frames(self, speaker: int) -> Frames:
        """Clean frames of one speaker, rising."""
        return np.flatnonzero(self.kind["clean"] & self.active[:, speaker])


@dataclass(frozen=True, eq=False)
class Halves:
    """Clean frames of a speaker: the earlier half, and the later one."""

    speaker: int
    early: Frames
    late: Frames


def label_frames(conversation: Conversation, frames: int, hop: float, start: float) -> FrameLabels:
    """Label ``frames`` that are ``hop`` seconds apart, the first one centred at ``start``."""
    times = start + hop * np.arange(frames, dtype=np.float64)
    reference = conversation.reference
    active = np.zeros((frames, len(reference.labels())), bool)
    for speaker, label in enumerate(reference.labels()):
        for turn in reference.label_timeline(label):
            active[_between(times, turn.start, turn.end), speaker] = True
    scored = np.zeros(frames, bool)
    for part in conversation.uem:
        scored[_between(times, part.start, part.end)] = True
    near = maximum_filter1d(active, 2 * round(NEAR_S / hop) + 1, axis=0, mode="constant")
    talking, around = active.sum(1), near.sum(1)
    kind = {
        "clean": scored & (talking == 1) & (around == 1),
        "change": scored & (talking == 1) & (around > 1),
        "overlap": scored & (talking > 1),
    }
    return FrameLabels(active, kind)


def split_halves(labels: FrameLabels, hop: float) -> list[Halves]:
    """Halve the clean frames of each speaker who has half a second for either half."""
    halves = []
    for speaker in range(labels.active.shape[1]):
        own = labels.clean_frames(speaker)
        middle = len(own) // 2
        if middle * hop >= MIN_HALF_S:
            halves.append(Halves(speaker, own[:middle], own[middle:]))
    return halves


def _between(times: NDArray[np.floating], start: float, end: float) -> slice:
    first, last = np.searchsorted(times, (start, end)).tolist()
    return slice(first, last)
