"""Reconstruction of one timeline from labelled local speakers: probabilities, then turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count as count_from
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_numbers
from diarspk.blocks import blocks
from diarspk.diarization.local_speakers import ACTIVE, LocalSpeakers

if TYPE_CHECKING:
    from pyannote.core import Annotation

__all__ = [
    "BOUNDARIES",
    "LOOSE",
    "TIGHT",
    "Activity",
    "Boundaries",
    "ReconstructionConfig",
    "Turn",
    "binarize",
    "complete_names",
    "divide_cuts",
    "exclusive_activity",
    "keep_everyone",
    "speaker_activity",
    "to_annotation",
]

Activity = NDArray[np.float32]

MIN_FRAMES = 12
"""Frames of somebody who was asked for, and is in none the surest: half a second."""


@dataclass(frozen=True)
class ReconstructionConfig:
    """Settings of the turns that are made of probabilities.

    Attributes
    ----------
    speech_threshold : float
        Expected number of speakers above which someone talks.
    overlap_threshold : float
        Fraction of a further speaker above which one more talks.
    max_gap_s : float
        Maximum pause of one speaker that is part of the turn.
    pause_probability : float
        Mean probability of the speaker below which no pause is part of the turn, in [0, 1].
    min_turn_s : float
        Minimum duration of a turn, unless a speaker has no longer one.
    padding_s : float
        Duration that is added at each end of a turn, in whole frames.
    """

    speech_threshold: float = 0.5
    overlap_threshold: float = 0.5
    max_gap_s: float = 0.4
    pause_probability: float = 0.2
    min_turn_s: float = 0.2
    padding_s: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        names = ("speech_threshold", "overlap_threshold", "max_gap_s", "min_turn_s", "padding_s")
        check_numbers(self, *names, minimum=0.0)
        check_numbers(self, "pause_probability", minimum=0.0, maximum=1.0)


Boundaries = Literal["tight", "loose"]
"""Where turns begin and end: at the words, or as annotators of meetings have them, to whom a pause
of a moment is part of the turn."""

TIGHT = ReconstructionConfig()
"""Turns that end with the words; the default."""

LOOSE = ReconstructionConfig(max_gap_s=1.0, pause_probability=0.0, padding_s=0.04)
"""Turns as manual segments have them, with pauses and a little more at the ends; chosen by
``eval.diarization.sweep`` on references of both kinds."""

BOUNDARIES: Mapping[Boundaries, ReconstructionConfig] = {"tight": TIGHT, "loose": LOOSE}
"""Settings by the name of the boundaries that they make."""


@dataclass(frozen=True)
class Turn:
    """One speaker from ``start`` to ``end`` (seconds), with the mean probability, in [0, 1]."""

    speaker: int
    start: float
    end: float
    confidence: float


def speaker_activity(local: LocalSpeakers, labels: NDArray[np.int64], count: int) -> Activity:
    """Probability of every speaker in every frame, ``(frames, count)``: the mean over windows.

    ``labels`` ``(windows, speakers)`` are those of linking, -1 for nobody. Local speakers of a
    window with one label count once, by the more probable of them.
    """
    windows, length, speakers = local.activity.shape
    total = np.zeros((local.frames, count), np.float32)
    covered = np.zeros((local.frames, 1), np.float32)
    for window in range(windows):
        merged = np.zeros((length, count), np.float32)
        for speaker in range(speakers):
            if (label := labels[window, speaker]) >= 0:
                column = local.activity[window, :, speaker]
                np.maximum(merged[:, label], column, out=merged[:, label])
        span = slice(local.first[window], local.first[window] + length)
        total[span] += merged
        covered[span] += 1
    total /= np.maximum(covered, 1)
    return total


def divide_cuts(whole: Activity, spoken: Activity, cut_from: Mapping[int, int]) -> Activity:
    """Divide the activity of speakers who were cut by whose local speakers talk in each frame.

    Parameters
    ----------
    whole
        Of the speakers without the cuts, ``(frames, k)``.
    spoken
        By the local speakers, of those with the cuts, ``(frames, n)``.
    cut_from
        Columns of `spoken` that were cut off, and whom each was cut off.

    Returns
    -------
    NDArray, shape (frames, n)
    """
    kept = np.setdiff1d(np.arange(spoken.shape[1]), list(cut_from))
    divided = np.zeros_like(spoken)
    divided[:, kept] = whole
    for one in sorted(set(cut_from.values())):
        family = np.array([one, *(cut for cut, of in cut_from.items() if of == one)])
        activity = divided[:, one].copy()
        talks = family[spoken[:, family].argmax(axis=1)]  # of nobody, the speaker who was cut
        for cut in family[1:].tolist():
            if not (activity[talks == cut] > ACTIVE).any():
                free = np.where(talks == one, activity, np.float32(0.0))
                talks[_surest_frames(free, spoken, cut, family)] = cut
        divided[:, one] = 0.0
        divided[np.arange(len(divided)), talks] = activity
    return divided


def _surest_frames(
    activity: NDArray[np.float32], spoken: Activity, cut: int, family: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Frames in which somebody of a family is the surest to be the one who was cut off; a few."""
    share = spoken[:, cut] / np.maximum(spoken[:, family].sum(axis=1), np.float32(1e-9))
    share = np.where((activity > ACTIVE) & (spoken[:, cut] > 0), share, np.float32(0.0))
    frames = np.flatnonzero((share > 0) & (share >= 0.999 * share.max()))
    return frames[:MIN_FRAMES]


def binarize(activity: Activity, config: ReconstructionConfig) -> NDArray[np.bool_]:
    """Select the most probable speakers of each frame, as many as are expected to talk."""
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
    """Let a speaker who is never among the most probable talk where it is most probable.

    Clustering has honoured the bounds on the number of speakers; so must the turns.
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


def complete_names(turns: list[Turn], names: Mapping[int, str]) -> dict[int, str]:
    """Names of all speakers with a turn, in order of first appearance.

    Those without a name become SPEAKER_00, SPEAKER_01, ...; no name is given twice.
    """
    taken = set(names.values())
    numbered = (f"SPEAKER_{number:02d}" for number in count_from())
    free = (name for name in numbered if name not in taken)
    order = dict.fromkeys(turn.speaker for turn in turns)
    return {speaker: names[speaker] if speaker in names else next(free) for speaker in order}


def to_annotation(turns: list[Turn], names: Mapping[int, str], uri: str) -> Annotation:
    """Write the turns of named speakers as an annotation; tracks are the turns' numbers."""
    from pyannote.core import Annotation, Segment

    annotation = Annotation(uri=uri)
    for track, turn in enumerate(turns):
        if turn.speaker in names:
            annotation[Segment(turn.start, turn.end), track] = names[turn.speaker]
    return annotation
