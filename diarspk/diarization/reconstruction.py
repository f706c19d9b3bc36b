"""From labelled local speakers to one timeline: probabilities, then turns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.blocks import blocks
from diarspk.diarization.first_pass import LocalSpeakers

__all__ = [
    "Activity",
    "StitchingConfig",
    "Turn",
    "binarize",
    "exclusive_activity",
    "find_turns",
    "keep_everyone",
    "speaker_activity",
]

Activity = NDArray[np.float32]


@dataclass(frozen=True)
class StitchingConfig:
    """How probabilities become turns."""

    speech_threshold: float = 0.5  # expected number of speakers above which someone talks
    overlap_threshold: float = 0.5  # part of a second speaker above which one more talks
    longest_gap_s: float = 0.4  # a shorter pause of one speaker is part of the turn
    shortest_turn_s: float = 0.2


@dataclass(frozen=True)
class Turn:
    """One speaker from ``start`` to ``end`` (seconds), and how sure that is, in [0, 1]."""

    speaker: int
    start: float
    end: float
    confidence: float


def speaker_activity(local: LocalSpeakers, labels: NDArray[np.int64], count: int) -> Activity:
    """Probability of every speaker in every frame, ``(frames, count)``: the mean over windows.

    ``labels`` ``(windows, speakers)`` names each local speaker, -1 for nobody. Local speakers of a
    window with one name count once, by the surer of them.
    """
    windows, length, speakers = local.activity.shape
    total = np.zeros((local.frames, count), np.float32)
    covered = np.zeros((local.frames, 1), np.float32)
    for window in range(windows):
        named = np.zeros((length, count), np.float32)
        for speaker in range(speakers):
            if (label := labels[window, speaker]) >= 0:
                np.maximum(named[:, label], local.activity[window, :, speaker], out=named[:, label])
        span = slice(local.first[window], local.first[window] + length)
        total[span] += named
        covered[span] += 1
    total /= np.maximum(covered, 1)
    return total


def binarize(activity: Activity, config: StitchingConfig) -> NDArray[np.bool_]:
    """Pick the most probable speakers of each frame, as many as are expected to talk."""
    active = np.empty(activity.shape, np.bool_)
    for rows in blocks(len(activity)):  # ranks of all frames would be the most of all memory
        part = activity[rows]
        expected = part.sum(1)
        talking = (expected > config.speech_threshold).astype(np.int64)
        talking += np.floor(np.maximum(expected - config.overlap_threshold, 0)).astype(np.int64)
        rank = np.argsort(np.argsort(-part, axis=1, kind="stable"), axis=1, kind="stable")
        active[rows] = (rank < talking[:, None]) & (part > 0)
    return active


def keep_everyone(active: NDArray[np.bool_], activity: Activity) -> NDArray[np.bool_]:
    """Let a speaker who is never among the most probable talk where that is nearest to true.

    Clustering has honoured the caller's bounds on the number of speakers; so must the turns.
    """
    silent = ~active.any(0) & (activity > 0).any(0)
    return active | (silent & (activity >= 0.9 * activity.max(0, initial=0.0)))


def exclusive_activity(active: NDArray[np.bool_], activity: Activity) -> NDArray[np.bool_]:
    """At most one speaker a frame: of those who talk, the most probable."""
    alone = np.empty(active.shape, np.bool_)
    for rows in blocks(len(active)):
        rated = np.where(active[rows], activity[rows], -1.0)
        best = active[rows] & (rated == rated.max(1, keepdims=True, initial=-1.0))
        alone[rows] = best & (best.cumsum(1) == 1)  # the first of equals
    return alone


def find_turns(
    active: NDArray[np.bool_],
    activity: Activity,
    config: StitchingConfig,
    *,
    hop: float,
    duration: float,
    bridge: bool = True,
) -> list[Turn]:
    """List turns in order of start. ``bridge`` closes short gaps and drops short turns."""
    turns = []
    for speaker in range(activity.shape[1]):
        for first, last in _runs(active[:, speaker], config, hop, bridge):
            confidence = float(activity[first:last, speaker].mean())
            end = min(last * hop, duration)
            if end > first * hop:
                turns.append(Turn(speaker, first * hop, end, min(confidence, 1.0)))
    return sorted(turns, key=lambda turn: (turn.start, turn.end, turn.speaker))


def _runs(
    active: NDArray[np.bool_], config: StitchingConfig, hop: float, bridge: bool
) -> list[tuple[int, int]]:
    """First and past-the-last frames of the runs of true."""
    edges = np.flatnonzero(np.diff(np.pad(active.astype(np.int8), 1)))
    runs: list[tuple[int, int]] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if bridge and runs and (first - runs[-1][1]) * hop <= config.longest_gap_s:
            runs[-1] = (runs[-1][0], last)
        else:
            runs.append((first, last))
    if not bridge:
        return runs
    long = [run for run in runs if (run[1] - run[0]) * hop >= config.shortest_turn_s]
    return long or runs  # nobody vanishes
