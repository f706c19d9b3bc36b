"""Turns of who talks in each frame: pauses that belong to them, short ones, padding."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from diarspk.diarization.reconstruction import (
    Activity,
    ReconstructionConfig,
    Turn,
    exclusive_activity,
)
from diarspk.intervals import find_runs

__all__ = ["fill_silence", "find_turns", "is_pause", "padding_frames"]

Runs = list[tuple[int, int]]
"""First frames of the runs of one speaker, and the frames after their last."""


def find_turns(
    active: NDArray[np.bool_],
    activity: Activity,
    config: ReconstructionConfig,
    *,
    hop: float,
    duration: float,
    bridge: bool = True,
) -> list[Turn]:
    """Find turns, in order of start.

    ``bridge`` closes short pauses, drops short turns, and pads the others.
    """
    turns = []
    for speaker in range(activity.shape[1]):
        own = activity[:, speaker]
        runs: Runs = find_runs(active[:, speaker]).tolist()
        if bridge:
            runs = _drop_short(_close_pauses(runs, own, config, hop), config, hop)
            runs = _pad(runs, config, hop)
        for first, last in runs:
            confidence = float(own[first:last].mean())
            end = min(last * hop, duration)
            if end > first * hop:
                turns.append(Turn(speaker, first * hop, end, min(confidence, 1.0)))
    return sorted(turns, key=lambda turn: (turn.start, turn.end, turn.speaker))


def _close_pauses(
    runs: Runs, activity: NDArray[np.float32], config: ReconstructionConfig, hop: float
) -> Runs:
    closed: Runs = []
    for first, last in runs:
        if closed and is_pause(activity, closed[-1][1], first, config, hop):
            closed[-1] = (closed[-1][0], last)
        else:
            closed.append((first, last))
    return closed


def is_pause(
    activity: NDArray[np.float32], first: int, last: int, config: ReconstructionConfig, hop: float
) -> bool:
    """Whether a turn goes on over the frames from `first` to `last`, not included.

    They are few, and the speaker of ``activity`` ``(frames,)`` is not quite improbable in them.
    """
    if (last - first) * hop > config.max_gap_s:
        return False
    return float(activity[first:last].mean()) >= config.pause_probability


def padding_frames(config: ReconstructionConfig, hop: float) -> int:
    """Return the frames that hold the padding of an end; a part of one counts as one."""
    return math.ceil(config.padding_s / hop - 1e-6)


def _drop_short(runs: Runs, config: ReconstructionConfig, hop: float) -> Runs:
    long = [run for run in runs if (run[1] - run[0]) * hop >= config.min_turn_s]
    return long or runs  # a speaker keeps its turns if all are short


def _pad(runs: Runs, config: ReconstructionConfig, hop: float) -> Runs:
    """Lengthen runs; those that meet are one."""
    frames = padding_frames(config, hop)
    padded: Runs = []
    for first, last in runs:
        if padded and first - frames <= padded[-1][1]:
            padded[-1] = (padded[-1][0], last + frames)
        else:
            padded.append((max(first - frames, 0), last + frames))
    return padded


def fill_silence(
    alone: NDArray[np.bool_],
    active: NDArray[np.bool_],
    activity: Activity,
    turns: list[Turn],
    *,
    hop: float,
) -> NDArray[np.bool_]:
    """Give each frame in which nobody talks to the most probable of those whose turn it lies in.

    Parameters
    ----------
    alone, active
        At most one speaker a frame, and all who talk, ``(frames, speakers)``.
    activity
        Probability of each.
    turns
        Turns with their pauses, of the same speakers.
    hop
        Seconds between frames.
    """
    silent = np.zeros_like(active)
    for turn in turns:
        silent[round(turn.start / hop) : round(turn.end / hop), turn.speaker] = True
    silent[active.any(axis=1)] = False
    return np.asarray(alone | exclusive_activity(silent, activity))
