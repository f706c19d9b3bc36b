"""From who talks in each frame to turns: pieces that are final, and what follows as it seems."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.diarization.reconstruction import ReconstructionConfig
from diarspk.diarization.turn_finding import is_pause, padding_frames
from diarspk.intervals import find_runs

__all__ = ["smooth"]


def smooth(
    active: NDArray[np.bool_],
    activity: NDArray[np.float32],
    config: ReconstructionConfig,
    hop: float,
    final: int,
) -> NDArray[np.bool_]:
    """Close short pauses, drop short turns and pad the others, as far as what is final allows.

    Parameters
    ----------
    active
        Whether one speaker talks, ``(frames,)``.
    activity
        Probability of it, ``(frames,)``.
    config
        Durations.
    hop
        Seconds between frames.
    final
        Frames that are final already: they stay as they are, but count to what follows.
    """
    smoothed = active.copy()
    runs: list[list[int]] = []
    for first, last in find_runs(active).tolist():
        if runs and is_pause(activity, runs[-1][1], first, config, hop):
            smoothed[runs[-1][1] : first] = True
            runs[-1][1] = last
        else:
            runs.append([first, last])
    padding = padding_frames(config, hop)
    for first, last in runs:
        # What reaches the end may go on, and is no short turn yet.
        if (last - first) * hop < config.min_turn_s and last < len(active):
            smoothed[first:last] = False
        else:
            smoothed[max(first - padding, 0) : last + padding] = True
    smoothed[:final] = active[:final]
    return smoothed
